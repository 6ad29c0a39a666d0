// What must exist before the first deploy: wrangler would make it inside `deploy`, which is too late for migrations.

export const DATABASE = 'latchkey'
export const NAMESPACE = 'latchkey-config'
/** The configuration with this account's ids: wrangler.toml has none, and the local data hangs on those. */
export const DEPLOY_CONFIG = 'wrangler.deploy.toml'

const NO_DATABASE_ID = '00000000-0000-0000-0000-000000000000'
const NO_NAMESPACE_ID = '00000000000000000000000000000000'

/** The id of the D1 database, which is created if there is none; in a jurisdiction, where the objects are to be in one. */
export function ensureDatabase(wrangler, jurisdiction) {
  const find = () => JSON.parse(wrangler.read('d1', 'list', '--json')).find(({ name }) => name === DATABASE)?.uuid
  const place = jurisdiction === '' ? [] : [`--jurisdiction=${jurisdiction}`]
  const create = () => wrangler.run('d1', 'create', DATABASE, '--update-config=false', ...place)
  return find() ?? created('database', create, find)
}

/** In which jurisdiction the objects of the database are, which is migrated; empty: in none; null: there are none yet. */
export function readJurisdiction(wrangler) {
  const query = "SELECT value FROM deployment_facts WHERE name = 'jurisdiction'"
  const found = wrangler.read(
    'd1',
    'execute',
    'DB',
    '--remote',
    '--json',
    '--command',
    query,
    '--config',
    DEPLOY_CONFIG,
  )
  return JSON.parse(found)[0]?.results?.[0]?.value ?? null
}

/** The id of the KV namespace, which is created if there is none. */
export function ensureNamespace(wrangler) {
  const find = () => JSON.parse(wrangler.read('kv', 'namespace', 'list')).find(({ title }) => title === NAMESPACE)?.id
  return (
    find() ??
    created('KV namespace', () => wrangler.run('kv', 'namespace', 'create', NAMESPACE, '--update-config=false'), find)
  )
}

/** wrangler.toml's text with these ids. Throws if it has no place for them. */
export function withIds(text, { databaseId, namespaceId }) {
  if (!text.includes(`"${NO_DATABASE_ID}"`) || !text.includes(`"${NO_NAMESPACE_ID}"`)) {
    throw new Error('wrangler.toml has ids of its own; the deployment fills them in itself')
  }
  return text.replace(NO_DATABASE_ID, databaseId).replace(NO_NAMESPACE_ID, namespaceId)
}

function created(what, create, find) {
  create()
  const id = find()
  if (id === undefined) throw new Error(`the ${what} was created, and is not in the list`)
  return id
}

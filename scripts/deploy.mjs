// `npm run deploy`: makes sure that the database and the KV namespace exist, migrates, deploys, and says which
// secrets are missing. Other arguments go to `wrangler deploy`. `--dry-run` only prints the commands.
// `--percentage N` gives the new version a part of the requests; with `--version-id ID` one that is there another part.
// Migrations come first and only add (expand, then contract): the Worker that runs meanwhile must survive them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  CannotDeploy,
  give,
  giveAnother,
  gradualArguments,
  lastMigrationTag,
  onlyVersion,
  readDoings,
  requireNoObjectMigration,
  upload,
} from './deploy/gradual.mjs'
import { DEPLOY_CONFIG, ensureDatabase, ensureNamespace, readJurisdiction, withIds } from './deploy/resources.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SECRETS = {
  SESSION_TOKEN_KEYS: '1:<32 random bytes in base64url>',
  SEALING_KEYS: '1:<32 random bytes in base64url>',
  OPERATOR_BOOTSTRAP_SECRET: '<32 random characters or more>',
}

const args = process.argv.slice(2)
const dryRun = args.includes('--dry-run')
const wrangler = dryRun ? printer() : runner()
try {
  const { gradual, rest } = gradualArguments(args.filter((argument) => argument !== '--dry-run'))
  if (gradual?.versionId != null) giveAnother(wrangler, gradual)
  else deploy(rest, gradual?.percentage ?? null)
} catch (error) {
  // wrangler has said what is wrong.
  if (error instanceof CannotDeploy) console.error(error.message)
  else console.error(error.status === undefined ? error : `\nStopped: ${error.message}`)
  process.exit(1)
}

/** @param percentage the part of the requests that the new version gets; null: all, at once */
function deploy(passed, percentage) {
  if (!passed.some((argument) => argument.includes('PUBLIC_ORIGINS:'))) {
    throw new CannotDeploy(
      'Say under which origins the service will be reached; wrangler.toml has those of local development:\n' +
        '  npm run deploy -- --var PUBLIC_ORIGINS:https://sessions.example.com',
    )
  }
  const toml = readFileSync(`${ROOT}/wrangler.toml`, 'utf8')
  const jurisdiction = jurisdictionIn(passed, toml)
  const ids = { databaseId: ensureDatabase(wrangler, jurisdiction), namespaceId: ensureNamespace(wrangler) }
  wrangler.write(DEPLOY_CONFIG, withIds(toml, ids))
  const running = percentage === null ? null : onlyVersion(wrangler)
  if (running !== null) requireNoObjectMigration(wrangler, running, toml)
  wrangler.run('d1', 'migrations', 'apply', 'DB', '--remote', '--config', DEPLOY_CONFIG)
  requireSameJurisdiction(readJurisdiction(wrangler), jurisdiction)
  if (running === null) wrangler.run('deploy', '--config', DEPLOY_CONFIG, ...passed)
  else give(wrangler, upload(wrangler, passed), percentage, running)

  const set = JSON.parse(wrangler.read('secret', 'list', '--format', 'json', '--config', DEPLOY_CONFIG))
  const missing = Object.keys(SECRETS).filter((name) => !set.some((secret) => secret.name === name))
  if (missing.length === 0) return
  console.log('\nThe Worker answers 503 until these secrets are set; each command asks for the value:')
  for (const name of missing)
    console.log(`  npm exec -- wrangler secret put ${name} --config ${DEPLOY_CONFIG}  # ${SECRETS[name]}`)
  console.log('A key: node -p \'"1:" + crypto.randomBytes(32).toString("base64url")\'')
}

/** The one that the Worker is told; empty for none. */
function jurisdictionIn(passed, toml) {
  return (passed.join(' ').match(/JURISDICTION:([a-z-]*)/) ?? toml.match(/^JURISDICTION = "(.*?)"/m))?.[1] ?? ''
}

/** By another one the Worker would answer nothing but 503. @param has null: no Worker has run yet */
function requireSameJurisdiction(has, wants) {
  if (has === null || has === wants) return
  throw new CannotDeploy(
    `The objects of this database are in ${has || 'no jurisdiction'}, and it cannot be changed: say --var JURISDICTION:${has}`,
  )
}

function runner() {
  const options = { cwd: ROOT, encoding: 'utf8', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } }
  return {
    read: (...args) => execFileSync('wrangler', args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] }),
    run: (...args) => {
      execFileSync('wrangler', args, { ...options, stdio: 'inherit' })
    },
    runAndRead: (...args) => {
      const folder = mkdtempSync(join(tmpdir(), 'latchkey-deploy-'))
      const doings = join(folder, 'doings.ndjson')
      try {
        const env = { ...options.env, WRANGLER_OUTPUT_FILE_PATH: doings }
        execFileSync('wrangler', args, { ...options, env, stdio: 'inherit' })
        return readDoings(doings)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    write: (name, text) => writeFileSync(`${ROOT}/${name}`, text),
  }
}

/** Prints what would be done on an account that has nothing yet. */
function printer() {
  const made = []
  const print = (args) => console.log(['wrangler', ...args].join(' '))
  return {
    read: (...args) => {
      print(args)
      const has = (what) => made.some((command) => command.startsWith(`${what} create`))
      if (args[0] === 'd1') return has('d1') ? '[{"name":"latchkey","uuid":"DATABASE_ID"}]' : '[]'
      if (args[0] === 'kv') return has('kv namespace') ? '[{"title":"latchkey-config","id":"NAMESPACE_ID"}]' : '[]'
      if (args[0] === 'deployments') return '{"versions":[{"version_id":"RUNNING_VERSION","percentage":100}]}'
      if (args[0] === 'versions') {
        const tag = lastMigrationTag(readFileSync(`${ROOT}/wrangler.toml`, 'utf8'))
        return JSON.stringify({ resources: { script_runtime: { migration_tag: tag } } })
      }
      return '[]'
    },
    runAndRead: (...args) => {
      print(args)
      return [{ type: 'version-upload', version_id: 'NEW_VERSION' }]
    },
    run: (...args) => {
      print(args)
      made.push(args.join(' '))
    },
    write: (name) => console.log(`write ${name}: wrangler.toml with the ids of the database and the namespace`),
  }
}

// The example application server beside Latchkey: one `wrangler dev` for both, a service binding between them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTool } from './processes.mjs'

const CONFIG = 'examples/application-server/wrangler.toml'
/** wrangler.toml with the binding: a deployment has none of its own, so it is not in there. */
const DEV_CONFIG = 'wrangler.dev.toml'
const BINDING = `
[[services]]
binding = "APPLICATION_SERVER"
service = "latchkey-application-server"
`

/** The configurations of one `wrangler dev`; the first one's Worker answers. */
export const DEV_CONFIGS = [DEV_CONFIG, CONFIG]

/** Arguments that point a command at the application server. */
export const applicationServerMigrations = ['-c', CONFIG]

/** Writes what `wrangler dev` reads: the configuration with the binding, and the secret that both Workers share. */
export function prepareApplicationServer(root, secret) {
  writeFileSync(
    join(root, DEV_CONFIG),
    `# Made by npm run dev.\n${readFileSync(join(root, 'wrangler.toml'), 'utf8')}${BINDING}`,
  )
  writeFileSync(join(root, 'examples/application-server/.dev.vars'), `APPLICATION_SERVER_SECRET=${secret}\n`, {
    mode: 0o600,
  })
}

/** Makes the application server know the demo users, with the profiles and passwords that Latchkey has. */
export async function fillApplicationServer(users, persistTo) {
  const rows = users.map(({ username, password_hash, first_name, last_name, email_address }) =>
    [username, password_hash, first_name, last_name, email_address].map(quoted).join(', '),
  )
  const statement = `INSERT INTO users VALUES ${rows.map((row) => `(${row}, 1)`).join(', ')}
    ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, first_name = excluded.first_name,
      last_name = excluded.last_name, email_address = excluded.email_address, version = version + 1`
  const tool = startTool('wrangler', [
    ...['d1', 'execute', 'DB', '--local', '--persist-to', persistTo, '-c', CONFIG, '--command', statement],
  ])
  if ((await tool.exited) !== 0) throw new Error(`the application server's users were not written\n${tool.output()}`)
}

function quoted(text) {
  return text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`
}

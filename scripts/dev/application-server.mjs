// The example application server's database: it knows the demo users.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTool } from './processes.mjs'
import { APPLICATION_SERVER_CONFIG } from './wrangler-config.mjs'

/** Makes it know the demo users, with the profiles and passwords that Latchkey has. `folder` is for a draft. */
export async function fillApplicationServer(users, persistTo, folder) {
  const rows = users.map(({ username, password_hash, first_name, last_name, email_address }) =>
    [username, password_hash, first_name, last_name, email_address].map(quoted).join(', '),
  )
  const statement = `INSERT INTO users VALUES ${rows.map((row) => `(${row}, 1)`).join(', ')}
    ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, first_name = excluded.first_name,
      last_name = excluded.last_name, email_address = excluded.email_address, version = version + 1`
  // Not as an argument: every user of the machine can read those.
  const file = join(folder, 'users.sql')
  writeFileSync(file, statement, { mode: 0o600 })
  try {
    const where = ['--local', '--persist-to', persistTo, '-c', APPLICATION_SERVER_CONFIG]
    const tool = startTool('wrangler', ['d1', 'execute', 'DB', ...where, '--yes', '--file', file])
    if ((await tool.exited) !== 0) {
      throw new Error(`the application server's users were not written\n${tool.output()}`)
    }
  } finally {
    rmSync(file, { force: true })
  }
}

function quoted(text) {
  return text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`
}

/** `npm run audit:verify`, of a running service and of databases that somebody has changed who holds them. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GENESIS, hashOfBody, hashOfEvent } from '../../src/audit/chain.ts'
import { openLocalDatabase } from './support/local-database.ts'
import { type Served, serve } from './support/served.ts'

const SCRIPT = join(import.meta.dirname, '../../scripts/audit-verify.mjs')
const ACTS = 4

// biome-ignore lint/suspicious/noExplicitAny: JSON or a row of any form
type Any = any

let server: Served
let store: string
/** One that was published. */
let head: string

beforeAll(async () => {
  server = await serve()
  store = server.credentials.identity_store_id
  await operate('PUT', '/events', { enabled: true })
  const { id } = server.credentials.users[3] ?? { id: '' }
  for (let n = 0; n < ACTS; n += 1) await operate('PATCH', `/users/${id}`, { first_name: `Max ${n}` })
  for (const cron of ['* * * * *', '17 * * * *']) await server.runCron(cron)
  const { events } = await operate('GET', '/events')
  head = events.findLast(({ type }: Any) => type === 'audit.head').data.head
})

afterAll(() => server?.stop())

async function operate(method: string, path: string, body?: object): Promise<Any> {
  const { base_url, operator_token } = server.credentials
  const response = await fetch(`${base_url}/operator/identity-stores/${store}${path}`, {
    method,
    headers: { authorization: `Bearer ${operator_token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(response.status).toBe(200)
  return response.json()
}

/** Runs the command. Answers how it ended, and what it has printed. */
function verify(...args: string[]): Promise<{ readonly code: unknown; readonly lines: readonly string[] }> {
  const env = { ...process.env, OPERATOR_TOKEN: server.credentials.operator_token }
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, lines: `${stdout}${stderr}`.trim().split('\n') }),
    )
  })
}

/** Verifies a copy of the database that was changed so. No trigger stands in the way of who holds the file. */
async function verifyChanged(change: (database: DatabaseSync) => void, ...args: string[]) {
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-audit-'))
  try {
    cpSync(join(server.persistTo, 'v3'), join(copy, 'v3'), { recursive: true })
    const database = openLocalDatabase(copy)
    for (const { name } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all())
      database.exec(`DROP TRIGGER ${name}`)
    change(database)
    database.close()
    return await verify('--local', copy, '--store', store, ...args)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

describe('npm run audit:verify', () => {
  test('finds that the chain of a running service holds, and that it passes through a published head', async () => {
    const { base_url: url } = server.credentials
    const holds = { code: 0, lines: [expect.stringMatching(/^The chain holds: \d+ events, 1 to \d+\.$/)] }
    expect(await verify('--url', url)).toEqual(holds)
    expect(await verify('--url', url, '--store', store)).toEqual(holds)
    const through = await verify('--url', url, '--store', store, '--head', head)
    expect(through).toEqual({ code: 0, lines: [expect.stringMatching(/through 1 published heads\.$/)] })
  })

  test('takes a head that is signed by no known key, or of another store, for what it is', async () => {
    const { base_url: url } = server.credentials
    const another = ['--key', Buffer.alloc(32, 9).toString('base64url')]
    expect(await verify('--url', url, '--store', store, '--head', head, ...another)).toMatchObject({
      code: 1,
      lines: ['altered: the head is not signed by a key that is known', expect.stringContaining('broken')],
    })
    expect((await verify('--url', url, '--head', head)).lines[0]).toBe(`altered: the head is of ${store}`)
  })

  test.each([
    ['altered: number 2', "UPDATE audit_events SET actor = 'user:nobody' WHERE identity_store_id = ? AND number = 2"],
    ['missing: number 2', 'DELETE FROM audit_events WHERE identity_store_id = ? AND number = 2'],
    [
      'inserted: no number',
      "INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id) VALUES (?, 'new', 0, 'a', 'b', 'c', 'd')",
    ],
  ])('names an event that was changed: %s', async (line, statement) => {
    const found = await verifyChanged((database) => database.prepare(statement).run(store))
    expect(found).toMatchObject({ code: 1, lines: [expect.stringContaining(line), expect.stringContaining('broken')] })
  })

  test('finds by a published head alone that the past was written anew, whole', async () => {
    expect(await verifyChanged(writeAnew)).toMatchObject({ code: 0 })
    const found = await verifyChanged(writeAnew, '--head', head)
    expect(found).toMatchObject({
      code: 1,
      lines: [expect.stringMatching(/^rewritten: number \d+/), expect.anything()],
    })
  })
})

/** Another actor in the first event, and every hash from there on as it must be then. */
function writeAnew(database: DatabaseSync): void {
  const rows = database.prepare('SELECT * FROM audit_events WHERE identity_store_id = ? ORDER BY number').all(store)
  let previous = GENESIS
  for (const row of rows as Any[]) {
    const event = {
      identityStoreId: store,
      eventId: row.event_id,
      at: row.at,
      actor: row.number === 1 ? 'user:nobody' : row.actor,
      action: row.action,
      subject: row.subject,
      about: row.about,
      before: row.before,
      after: row.after,
      requestId: row.request_id,
    }
    const bodyHash = hashOfBody(row.salt, event)
    const hash = hashOfEvent(event, row.number, bodyHash, previous)
    database
      .prepare('UPDATE audit_events SET actor = ?, body_hash = ?, previous_hash = ?, hash = ? WHERE event_id = ?')
      .run(event.actor, bodyHash, previous, hash, event.eventId)
    previous = hash
  }
  database.prepare('UPDATE audit_chains SET sealed_hash = ? WHERE identity_store_id = ?').run(previous, store)
}

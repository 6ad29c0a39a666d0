// `npm run size`: how many bytes of D1 a user, a session and an event take. Fills a SQLite database of the same schema
// and looks at how much it grows; takes seconds, and gives the same on any machine.

import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { GENESIS, sealed } from '../src/audit/chain.ts'
import { SEAL_BATCH_ROWS } from '../src/limits.ts'

const MANY = 20_000
const NOW = Date.UTC(2026, 10, 29)
const STORE = 'd-0000000001'
const AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36'
const HASH = `$scrypt$ln=14,r=8,p=5$${'s'.repeat(22)}$${'h'.repeat(43)}`

const db = new DatabaseSync(':memory:')
const folder = new URL('../migrations/', import.meta.url)
for (const file of readdirSync(folder).filter((name) => name.endsWith('.sql'))) {
  db.exec(readFileSync(new URL(file, folder), 'utf8'))
}
db.prepare(
  `INSERT INTO identity_stores (identity_store_id, name, default_login_mode, state, created_at, updated_at)
   VALUES (?, 'Pie', 'LOCAL_LOGIN_SHARED', 'active', 0, 0)`,
).run(STORE)

/** Bytes in use: pages, but for those that are free. */
function bytes() {
  const value = (name) => Object.values(db.prepare(`PRAGMA ${name}`).get())[0]
  return (value('page_count') - value('freelist_count')) * value('page_size')
}

/** UUID version 7: the time, then chance. */
function id(at) {
  const hex = at.toString(16).padStart(12, '0') + crypto.randomUUID().replaceAll('-', '').slice(12)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

function fill(what, table, rowOf, afterwards = () => {}) {
  const fields = Object.keys(rowOf(0))
  const insert = db.prepare(`INSERT INTO ${table} (${fields}) VALUES (${fields.map(() => '?')})`)
  const before = bytes()
  for (let first = 0; first < MANY; first += SEAL_BATCH_ROWS) {
    const rows = Array.from({ length: SEAL_BATCH_ROWS }, (_, index) => rowOf(first + index))
    db.exec('BEGIN')
    for (const row of rows) insert.run(...Object.values(row))
    db.exec('COMMIT')
    afterwards(rows, first)
  }
  return { what, bytes: Math.round((bytes() - before) / MANY) }
}

const sealing = db.prepare(
  `UPDATE audit_events SET number = ?, salt = ?, body_hash = ?, previous_hash = ?, hash = ?
   WHERE identity_store_id = ? AND event_id = ?`,
)
let head = GENESIS

/** As the cron does each minute. */
function seal(rows, first) {
  for (const [index, row] of rows.entries()) {
    const { identity_store_id: identityStoreId, event_id: eventId, request_id: requestId, ...facts } = row
    const event = { ...facts, identityStoreId, eventId, requestId, about: null }
    const { number, salt, bodyHash, previousHash, hash } = sealed(
      event,
      first + index + 1,
      head,
      randomBytes(16).toString('hex'),
    )
    sealing.run(number, salt, bodyHash, previousHash, hash, identityStoreId, eventId)
    head = hash
  }
}

const userOf = (nth) => `U${String(nth).padStart(10, '0')}`
const user = (nth) => ({
  identity_store_id: STORE,
  user_id: userOf(nth),
  username: `first.last${nth}@customer.example`,
  password_hash: HASH,
  role: 'member',
  user_level: 0,
  bot: 0,
  active: 1,
  sessions_valid_from: 0,
  status_version: 1,
  first_name: 'Firstname',
  last_name: 'Lastname',
  email_address: `first.last${nth}@customer.example`,
  signed_in_from: Array(8).fill('m'.repeat(22)).join(),
  created_at: NOW,
  updated_at: NOW,
})
const session = (nth, more) => ({
  identity_store_id: STORE,
  user_id: userOf(nth % MANY),
  session_id: id(NOW + nth * 1_000),
  number: nth * 7919,
  version: 1,
  kind: 'web',
  opened_at: NOW + nth * 1_000,
  last_seen_at: NOW + nth * 1_000,
  persistent: 1,
  credentials_type: 'password',
  address: `203.0.113.${nth % 256}`,
  user_agent: AGENT,
  opened_by: `user:${userOf(nth % MANY)}`,
  new_device: 0,
  ...more,
})

const found = [
  fill('user with a password, known from eight addresses', 'users', user),
  fill('live session', 'sessions', (nth) => session(nth, {})),
  fill('ended session, logged out', 'sessions', (nth) =>
    session(MANY + nth, {
      version: 2,
      ended_at: NOW + (MANY + nth) * 1_000 + 3_600_000,
      end_reason: 'logout',
      ended_by: `session:${id(NOW + nth)}`,
      end_request_id: crypto.randomUUID(),
    }),
  ),
  fill(
    'audit event, sealed',
    'audit_events',
    (nth) => ({
      identity_store_id: STORE,
      event_id: id(NOW + nth * 1_000),
      at: NOW,
      actor: 'credential:c-0123456789abcdef',
      action: 'user.updated',
      subject: `user:${userOf(nth)}`,
      before: '{"active":true}',
      after: '{"active":false}',
      request_id: crypto.randomUUID(),
    }),
    seal,
  ),
  fill('event in the outbox', 'events', (nth) => ({
    identity_store_id: STORE,
    number: nth + 1,
    type: 'session.opened',
    at: NOW,
    data: JSON.stringify({ user_id: userOf(nth), session_id: id(NOW), kind: 'web', credentials_type: 'password' }),
  })),
]

console.log('| what | bytes in D1, with its indexes |\n|---|---:|')
for (const one of found) console.log(`| ${one.what} | ${one.bytes} |`)

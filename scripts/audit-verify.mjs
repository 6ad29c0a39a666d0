// `npm run audit:verify`: verifies the chain of audit events by itself, from what the service hands out or from a local
// database, and that it passes through a head that was published. docs/security.md says how.
import { parseArgs } from 'node:util'
import { GENESIS, verifyStretch } from '../src/audit/chain.ts'
import { withDatabasesOf } from './dev/local-databases.mjs'

const USAGE = `usage: npm run audit:verify -- --url URL --token TOKEN [--store ID] [--head JWS]… [--key X]…
       npm run audit:verify -- --local DIRECTORY --store ID [--head JWS]… [--key X]…
  --url, --token  the service, and an operator's token with operator:read, or OPERATOR_TOKEN
  --local         a persist directory of npm run dev
  --store         the identity store; without it the operators' own audit log
  --head          a head that was published: "head" in the data of an audit.head event
  --key           a public key ("x") that you know from before; without it those that the service names are believed
`

/** The operators' own audit log, as the database names it. */
const OPERATORS = '*'
/** An event that is not sealed after so long was never committed by the service, in milliseconds. */
const SEALED_WITHIN_MILLISECONDS = 600_000

try {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      token: { type: 'string', default: process.env.OPERATOR_TOKEN },
      local: { type: 'string' },
      store: { type: 'string' },
      head: { type: 'string', multiple: true, default: [] },
      key: { type: 'string', multiple: true },
    },
  })
  if ((values.url === undefined) === (values.local === undefined)) throw new Error(USAGE)
  const store = values.store ?? OPERATORS
  const log = values.url === undefined ? readLocal(values.local, store) : await readService(values, values.store)
  process.exitCode = (await report(log, store, values)) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}

/** Says what was found; answers whether all is well. */
async function report({ begin, end, places, inserted, keys }, store, { head: heads, key }) {
  const known = key === undefined ? keys : key.map((x) => ({ kty: 'OKP', crv: 'Ed25519', x }))
  const faults = [...verifyStretch(begin, places, end), ...inserted]
  for (const { fault, number, eventId } of faults) {
    console.log(`${fault}: ${number === null ? 'no number' : `number ${number}`}, event ${eventId ?? 'unknown'}`)
  }
  const wrong = []
  if (begin.number > 0) wrong.push(...(await pointFaults('cut', begin.signed, store, known, () => begin.hash)))
  const hashes = new Map(places.flatMap(({ number, event }) => (event === null ? [] : [[number, event.hash]])))
  for (const head of heads) {
    const hashAt = (number) => (number === begin.number ? begin.hash : hashes.get(number))
    wrong.push(...(await pointFaults('head', head, store, known, hashAt, begin.number)))
  }
  for (const line of wrong) console.log(line)
  const well = faults.length === 0 && wrong.length === 0
  const range = places.length === 0 ? 'no events' : `${places.length} events, ${begin.number + 1} to ${end.number}`
  const through = heads.length > 0 ? `, through ${heads.length} published heads` : ''
  console.log(well ? `The chain holds: ${range}${through}.` : `The chain is broken: ${range}.`)
  return well
}

/** What is wrong with a signed point. */
async function pointFaults(what, jws, store, keys, hashAt, begin = 0) {
  const claims = await openJws(jws ?? '', `latchkey-audit-${what}+jwt`, keys)
  if (claims === null) return [`altered: the ${what} is not signed by a key that is known`]
  if (claims.sub !== store) return [`altered: the ${what} is of ${claims.sub}`]
  if (claims.number < begin)
    return [`too old: the ${what} of number ${claims.number} is from before the cut at ${begin}`]
  const hash = hashAt(claims.number)
  if (hash === undefined) return [`missing: number ${claims.number}, which the ${what} names`]
  return hash === claims.hash ? [] : [`rewritten: number ${claims.number} is not what the ${what} says`]
}

/** The claims of a JWS that one of these keys has signed; null if none has. */
async function openJws(jws, type, keys) {
  const [head = '', body = '', signature = ''] = jws.split('.')
  const bytes = (text) => Buffer.from(text, 'base64url')
  for (const { kty, crv, x } of keys) {
    const key = await crypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, ['verify'])
    const good = await crypto.subtle
      .verify('Ed25519', key, bytes(signature), Buffer.from(`${head}.${body}`))
      .catch(() => false)
    if (good) return JSON.parse(bytes(head)).typ === type ? JSON.parse(bytes(body)) : null
  }
  return null
}

/** What a running service hands out. Its own verification is not believed, only where the chain begins and ends. */
async function readService({ url, token }, store) {
  const path = `${url.replace(/\/$/, '')}/operator${store === undefined ? '' : `/identity-stores/${store}`}/audit-events`
  const ask = async (rest, accept = 'application/json') => {
    const answer = await fetch(`${path}${rest}`, { headers: { authorization: `Bearer ${token}`, accept } })
    if (!answer.ok) throw new Error(`GET ${path}${rest}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  // Where it ends is asked first: what is sealed meanwhile comes after it.
  const { begin, head, keys } = await (await ask('/verification?limit=1')).json()
  const lines = (await (await ask('', 'application/x-ndjson')).text()).split('\n').filter((line) => line !== '')
  const events = lines.map((line) => fromService(JSON.parse(line), store ?? OPERATORS))
  const places = events
    .filter(({ number }) => number !== null && number <= head.number)
    .toSorted((a, b) => a.number - b.number)
    .map((event) => ({ number: event.number, eventId: event.eventId, event, mayBeErased: mayBeErased(event, events) }))
  const inserted = [
    ...events
      .filter(({ number, at }) => number === null && at < Date.now() - SEALED_WITHIN_MILLISECONDS)
      .map(({ eventId }) => ({ fault: 'inserted', number: null, eventId })),
    ...places
      .filter(({ number }, index) => number === places[index - 1]?.number)
      .map(({ number, eventId }) => ({ fault: 'inserted', number, eventId })),
  ]
  const once = places.filter(({ number }, index) => number !== places[index - 1]?.number)
  return { begin, end: head, places: once, inserted, keys }
}

function fromService(event, identityStoreId) {
  const { seal } = event
  const text = (value) => (value === null ? null : JSON.stringify(value))
  return {
    identityStoreId,
    eventId: event.event_id,
    at: Date.parse(event.at),
    actor: event.actor,
    action: event.action,
    subject: event.subject,
    // The service hands out what it has stored, member by member.
    before: text(event.before),
    after: text(event.after),
    requestId: event.request_id,
    about: seal?.about ?? null,
    number: seal?.number ?? null,
    salt: seal?.salt ?? null,
    bodyHash: seal?.body_hash ?? null,
    previousHash: seal?.previous_hash ?? null,
    hash: seal?.hash ?? null,
  }
}

/** The same of a local database. */
function readLocal(directory, store) {
  const [log] = withDatabasesOf('audit_chains', directory, (database) => {
    const chain = database.prepare('SELECT * FROM audit_chains WHERE identity_store_id = ?').get(store)
    const rows = database.prepare('SELECT * FROM audit_events WHERE identity_store_id = ?').all(store)
    const events = new Map(rows.map((row) => [row.event_id, fromRow(row)]))
    const all = [...events.values()]
    const standing = database
      .prepare('SELECT number, event_id FROM audit_places WHERE identity_store_id = ? ORDER BY number')
      .all(store)
    const places = standing
      .filter(({ number }) => number <= (chain?.sealed_number ?? 0))
      .map(({ number, event_id: eventId }) => {
        const event = events.get(eventId) ?? null
        return { number, eventId, event, mayBeErased: event !== null && mayBeErased(event, all) }
      })
    const placed = new Set(standing.map(({ event_id: eventId }) => eventId))
    const keys = database.prepare('SELECT public_key FROM audit_keys').all()
    return {
      begin: { number: chain?.cut_number ?? 0, hash: chain?.cut_hash ?? GENESIS, signed: chain?.cut ?? null },
      end: { number: chain?.sealed_number ?? 0, hash: chain?.sealed_hash ?? GENESIS },
      places,
      inserted: all
        .filter(({ eventId }) => !placed.has(eventId))
        .map(({ eventId, number }) => ({ fault: 'inserted', number, eventId })),
      keys: keys.map(({ public_key: x }) => ({ kty: 'OKP', crv: 'Ed25519', x })),
    }
  })
  if (log === undefined) throw new Error(`no database with audit events in ${directory}`)
  return log
}

function fromRow(row) {
  return {
    identityStoreId: row.identity_store_id,
    eventId: row.event_id,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    about: row.about,
    before: row.before,
    after: row.after,
    requestId: row.request_id,
    number: row.number,
    salt: row.salt,
    bodyHash: row.body_hash,
    previousHash: row.previous_hash,
    hash: row.hash,
  }
}

/** Whether the user whom an event is about was deleted when it happened, or later. */
function mayBeErased({ salt, number, about, subject }, events) {
  if (salt !== null) return false
  const isDeletion = (one) => one.action === 'user.deleted' && one.subject === (about ?? subject)
  return events.some((one) => isDeletion(one) && (one.number === null || one.number >= number))
}

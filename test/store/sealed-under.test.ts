/** What the runbook has looked for before a sealing key is taken away is everything that is sealed. */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import runbook from '../../docs/runbook.md?raw'
import sealedUnder from '../../scripts/sealed-under.sql?raw'
import { verifyChain } from '../../src/audit/verification.ts'
import { Sealing } from '../../src/auth/sealing.ts'
import purposes from '../../src/auth/sealing.ts?raw'
import { operate, patch, put } from '../api/operator/operator.ts'
import { verification } from '../support/audit-log.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { makeReceiver, receiveEvents } from '../support/receivers.ts'
import { SsfReceiver } from '../support/ssf-receiver.ts'
import { db, makeStore } from '../support/stores.ts'

interface Found {
  readonly sealing_key: number
  readonly what: string
  readonly identity_store_id: string | null
  readonly count: number
  readonly ids: string | null
}

async function look(): Promise<Found[]> {
  return (await env.DB.prepare(sealedUnder).all<Found>()).results
}

const inStore = async (store: string) =>
  Object.fromEntries(
    (await look()).filter((one) => one.identity_store_id === store).map((one) => [one.what, one.count]),
  )

/** A store with one of each that is sealed. */
async function makeOfEach() {
  receiveEvents()
  const store = await makeStore()
  const path = `/identity-stores/${store}`
  const scopes = ['IdentityCenter:user:listSessions']
  const json = { kind: 'access_key', name: 'console', scopes }
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const key = (await operate(`${path}/credentials`, { json, headers })).body.credential_id
  const provider = { issuer: 'https://id.pie.example', client_id: 'latchkey', client_secret: 'secret' }
  await put(`${path}/openid-provider`, { ...provider, redirect_uri: `https://${store}.example/` })
  const { endpointId: endpoint } = await makeReceiver(path, { v1a: true, types: ['session.opened'] })
  await (await SsfReceiver.of(store)).pushed([])
  await verification(store)
  return { path, store, key, endpoint }
}

test('everything that is sealed is found, and has its line in the runbook', async () => {
  const { store } = await makeOfEach()
  const ofStore = (await look()).filter(({ identity_store_id: id }) => id === store || id === null)
  const [, union = ''] = /type SealingPurpose =([^=]+?)\n\n/.exec(purposes) ?? []
  const sealed = Array.from(union.matchAll(/'(\w+)'/g), ([, purpose]) => purpose)
  // Whoever was refused has it, and nobody else.
  expect([...new Set(ofStore.map(({ what }) => what)), 'authorization_message'].toSorted()).toEqual(sealed)
  const [, table = ''] = /\n\| sealed \|.*\n\|.*\n((?:\|.*\n)+)/.exec(runbook) ?? []
  expect(Array.from(table.matchAll(/^\| `(\w+)`/gm), ([, what]) => what).toSorted()).toEqual(sealed)
})

test('every column of the database that holds what is sealed is looked at', async () => {
  const tables = await env.DB.prepare(
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'audit_chains'",
  ).all<{ name: string; sql: string }>()
  const names = tables.results.flatMap(({ name, sql }) =>
    Array.from(sql.matchAll(/^\W*(\w*sealed\w*)/gm), ([, column]) => [name, column]),
  )
  expect(names.length).toBeGreaterThan(7)
  const unseen = names.filter(([table, column]) => ![table, column].every((name) => sealedUnder.includes(name ?? '-')))
  expect(unseen).toEqual([])
})

test.each([1, 2, 15, 16, 63, 64, 254, 255])('the key that something is sealed under is told: %i', async (id) => {
  const sealing = new Sealing([{ id, secret: new Uint8Array(32).fill(7) }])
  const at = Date.now()
  await env.DB.prepare(
    "INSERT INTO idempotent_requests (key_hash, body_hash, sealed_answer, expires_at) VALUES (?, '', ?, ?)",
  )
    .bind(crypto.randomUUID(), await sealing.seal('idempotent_answer', '', '', 'an answer'), at + 60_000)
    .run()
  expect((await look()).some(({ what, sealing_key }) => what === 'idempotent_answer' && sealing_key === id)).toBe(true)
})

test('what was given a new secret counts no more, once the old one is good for nothing', async () => {
  const { path, store, key, endpoint } = await makeOfEach()
  const before = { access_key: 1, openid_client_secret: 1, event_endpoint: 3, ssf_key: 1 }
  expect(await inStore(store)).toEqual(before)
  await operate(`${path}/credentials/${key}/rotate`, { json: { overlap_seconds: 3_600 } })
  await operate(`${path}/event-endpoints/${endpoint}/rotate-secret`, { method: 'POST' })
  await operate(`${path}/ssf-keys/rotate`, { json: {} })
  expect(await inStore(store)).toEqual({ ...before, access_key: 2, event_endpoint: 4, ssf_key: 2 })
  await operate(`${path}/credentials/${key}/rotate`, { json: { overlap_seconds: 0 } })
  await operate(`${path}/ssf-keys/rotate`, { json: { compromised: true } })
  await patch(`${path}/event-endpoints/${endpoint}`, { v1a: false })
  await env.DB.prepare('UPDATE event_endpoints SET previous_valid_until = 1 WHERE endpoint_id = ?').bind(endpoint).run()
  expect(await inStore(store)).toEqual({ ...before, event_endpoint: 2 })
  await operate(`${path}/credentials/${key}`, { method: 'DELETE' })
  expect(await inStore(store)).toEqual({ openid_client_secret: 1, event_endpoint: 2, ssf_key: 1 })
})

test('an audit key that does not open any more has a new one signing in its place, and is still named', async () => {
  stopClock()
  const store = await makeStore()
  const { last } = await verification(store)
  advanceClock(1)
  const without = new Sealing([{ id: 2, secret: new Uint8Array(32).fill(2) }])
  const verified = await verifyChain({ db, sealing: without }, store, null, 10, Date.now())
  if (!verified.ok) throw new Error('D1 does not answer')
  const { head, keys } = verified.value
  const kidOf = (jws: string) => JSON.parse(atob(jws.split('.')[0] ?? '')).kid
  expect(keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining([kidOf(head.signed), kidOf(last.head.signed)]))
  expect(kidOf(head.signed)).not.toBe(kidOf(last.head.signed))
  await env.DB.prepare('DELETE FROM audit_keys WHERE key_id = ?').bind(kidOf(head.signed)).run()
})

/** The chain of audit events: what is committed is sealed in its order, and whatever is changed later is found. */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { sealStore } from '../../src/audit/care.ts'
import { type ChainedEvent, GENESIS, hashOfBody, hashOfEvent, verifyStretch } from '../../src/audit/chain.ts'
import { firstIdAt } from '../../src/domain/session-id.ts'
import { SEAL_BATCH_ROWS } from '../../src/limits.ts'
import { runScheduled } from '../../src/scheduled.ts'
import { auditEvents, operate, patch, put, remove } from '../api/operator/operator.ts'
import { runHourly, seal, tamper, verification } from '../support/audit-log.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1Statements } from '../support/faults.ts'
import { storeJobs } from '../support/objects.ts'
import { db, makeStore, makeUser } from '../support/stores.ts'

const DAY = 86_400_000

/** Writes events of a store, as if somebody did so much; ids as given, or of now. */
async function acts(store: string, count: number, ids?: readonly string[]): Promise<readonly string[]> {
  const time = firstIdAt(Date.now()).slice(0, 24)
  const eventIds = ids ?? Array.from({ length: count }, () => `${time}${crypto.randomUUID().slice(24)}`)
  await env.DB.batch(
    eventIds.map((id, index) =>
      env.DB.prepare(
        `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, before, after, request_id)
         VALUES (?, ?, ?, 'credential:a', 'user.updated', 'user:u', '{"a":1}', '{"a":2}', ?)`,
      ).bind(store, id, Date.now(), `request-${index}`),
    ),
  )
  return eventIds
}

/** A store with so many sealed events, and their ids in their order. */
async function sealedStore(count: number) {
  const store = await makeStore()
  const ids = await acts(store, count)
  await seal()
  return { store, ids }
}

async function rowsOf(store: string): Promise<Record<string, unknown>[]> {
  const text = 'SELECT * FROM audit_events WHERE identity_store_id = ? ORDER BY number'
  return (await env.DB.prepare(text).bind(store).all()).results
}

function chainOf(store: string) {
  return env.DB.prepare('SELECT * FROM audit_chains WHERE identity_store_id = ?').bind(store).first()
}

describe('sealing', () => {
  test('each event holds the hash of the one before, in the order of commits, whatever their ids say', async () => {
    const store = await makeStore()
    const ids = ['c', 'a', 'b'].map((letter) => `${letter}${crypto.randomUUID().slice(1)}`)
    await acts(store, 3, ids)
    await seal()
    const rows = await rowsOf(store)
    expect(rows.map((row) => row.event_id)).toEqual(ids)
    expect(rows.map((row) => row.number)).toEqual([1, 2, 3])
    expect(rows.map((row) => row.previous_hash)).toEqual([GENESIS, rows[0]?.hash, rows[1]?.hash])
    expect(new Set(rows.map((row) => row.salt)).size).toBe(3)
    expect(await verification(store)).toMatchObject({ faults: [], events: 3 })
  })

  test('an act of an operator is sealed within a minute, and the answer says how far it is', async () => {
    const user = await makeUser()
    await seal()
    await patch(`/identity-stores/${user.identityStoreId}/users/${user.userId}`, { role: 'admin' })
    expect((await auditEvents(user.identityStoreId))[0]).toMatchObject({ action: 'user.updated', seal: null })
    expect((await verification(user.identityStoreId)).last).toMatchObject({ unsealed: 1, head: { number: 0 } })
    await seal()
    const [event] = await auditEvents(user.identityStoreId)
    expect(event.seal).toMatchObject({ number: 1, previous_hash: GENESIS })
    expect((await verification(user.identityStoreId)).last).toMatchObject({
      unsealed: 0,
      head: { number: 1, hash: event.seal.hash },
    })
  })

  test('costs one row more as the event is committed, and one as it is sealed', async () => {
    const store = await makeStore()
    await acts(store, 1)
    const insert = env.DB.prepare(
      `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id) VALUES (?, ?, 0, '', '', '', '')`,
    ).bind(store, crypto.randomUUID())
    // The event, its subject in the index, and its place.
    expect((await insert.run()).meta.rows_written).toBe(3)
    let written = 0
    intercept(async (call, goOn) => {
      const answer = await goOn()
      if (call.to === 'D1' && Array.isArray(answer)) for (const one of answer) written += one.meta?.rows_written ?? 0
      return answer
    })
    await acts(store, 8)
    written = 0
    await sealStore(db, store, Date.now())
    // Ten events, and the chain twice: as it is made, and as it has grown.
    expect(written).toBe(12)
  })

  test('goes through whatever there is, a batch at a time', async () => {
    const { store } = await sealedStore(2 * SEAL_BATCH_ROWS + 3)
    expect(await chainOf(store)).toMatchObject({ sealed_number: 2 * SEAL_BATCH_ROWS + 3 })
    expect(await verification(store, 100)).toMatchObject({ faults: [], events: 2 * SEAL_BATCH_ROWS + 3 })
  })

  test('is done by the object of each store, page after page, whatever becomes of that of another', async () => {
    await seal()
    const stores = [await makeStore(), await makeStore(), await makeStore()].toSorted()
    for (const store of stores) await acts(store, 1)
    let calls = 0
    const leave = intercept(async (call, goOn) => {
      if (call.to === 'JOBS' && call.method === 'keepAuditLog' && ++calls === 1) throw new Error('gone')
      return goOn()
    })
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await runScheduled('* * * * *', env, 1)
    leave()
    const sealed = async () => Promise.all(stores.map(async (store) => (await chainOf(store))?.sealed_number ?? 0))
    expect([calls, await sealed()]).toEqual([3, [0, 1, 1]])
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ event: 'housekeeping.failed', failed: 1 }))
    await seal()
    expect(await sealed()).toEqual([1, 1, 1])
  })

  test('by two at once is done once, and by one that is cut off it is done by the next', async () => {
    const store = await makeStore()
    await acts(store, 5)
    await Promise.all([sealStore(db, store, Date.now()), sealStore(db, store, Date.now())])
    expect(await verification(store)).toMatchObject({ faults: [], events: 5 })
    const before = await rowsOf(store)
    await acts(store, 5)
    const lost = breakD1Statements(/UPDATE audit_events SET number/, { when: 'after' })
    expect(await sealStore(db, store, Date.now())).toMatchObject({ ok: false })
    lost.repair()
    const failing = breakD1Statements(/UPDATE audit_events SET number/)
    await acts(store, 1)
    expect(await sealStore(db, store, Date.now())).toMatchObject({ ok: false })
    failing.repair()
    expect(await sealStore(db, store, Date.now())).toEqual({ ok: true })
    expect((await rowsOf(store)).slice(0, 5)).toEqual(before)
    expect(await verification(store)).toMatchObject({ faults: [], events: 11, last: { unsealed: 0 } })
  })

  test('does not seal a body that was erased after it was read', async () => {
    const user = await makeUser()
    const { identityStoreId, userId } = user
    await patch(`/identity-stores/${identityStoreId}/users/${userId}`, { first_name: 'Erasmus' })
    let erased = false
    intercept(async (call, goOn) => {
      const seals =
        call.to === 'D1' && call.statements.some((text) => text.startsWith('UPDATE audit_events SET number'))
      if (seals && !erased) {
        erased = true
        await remove(`/identity-stores/${identityStoreId}/users/${userId}`)
      }
      return goOn()
    })
    await seal()
    expect(erased).toBe(true)
    expect(await verification(identityStoreId)).toMatchObject({ faults: [], events: 2, last: { unsealed: 0 } })
  })

  test("operators' own acts are a chain of their own", async () => {
    const made = await operate('/credentials', { method: 'POST', json: { name: 'One more', scopes: ['operator'] } })
    expect(made.status).toBe(201)
    await seal()
    const { faults, last } = await verification(null)
    expect(faults).toEqual([])
    expect(last.head.number).toBeGreaterThan(0)
    await tamper(
      `UPDATE audit_events SET actor = 'nobody' WHERE identity_store_id = '*' AND number = ${last.head.number}`,
    )
    expect((await verification(null)).faults).toEqual([
      { fault: 'altered', number: last.head.number, event_id: expect.any(String) },
    ])
  })
})

describe('what is wrong is found, and named', () => {
  test.each([
    "actor = 'credential:b'",
    "action = 'user.created'",
    "subject = 'user:v'",
    'at = at + 1',
    "request_id = 'another'",
    `before = '{"a":3}'`,
    'after = NULL',
    "about = 'user:u'",
    'salt = hex(randomblob(16))',
    'body_hash = hash',
    'hash = body_hash',
    'previous_hash = body_hash',
    'number = NULL',
    'hash = NULL',
  ])('an event of which %s', async (change) => {
    const { store, ids } = await sealedStore(5)
    await tamper(`UPDATE audit_events SET ${change} WHERE identity_store_id = '${store}' AND number = 3`)
    expect((await verification(store)).faults).toContainEqual({ fault: 'altered', number: 3, event_id: ids[2] })
    expect((await verification(store, 1)).faults).toContainEqual({ fault: 'altered', number: 3, event_id: ids[2] })
  })

  test('one that was altered and sealed anew: the next one followed another', async () => {
    const { store, ids } = await sealedStore(5)
    await forge(store, 3, { actor: 'credential:b' })
    const altered = { fault: 'altered', number: 3, event_id: ids[2] }
    expect((await verification(store)).faults).toEqual([altered])
    expect((await verification(store, 1)).faults).toEqual([altered])
    await forge(store, 5, { actor: 'credential:b' })
    expect((await verification(store)).faults).toEqual([altered, { fault: 'altered', number: 5, event_id: ids[4] }])
  })

  test('one that is missing, whether its place went with it or not; also at the end', async () => {
    const { store, ids } = await sealedStore(6)
    await tamper(
      `DELETE FROM audit_events WHERE identity_store_id = '${store}' AND number IN (2, 4, 6)`,
      `DELETE FROM audit_places WHERE identity_store_id = '${store}' AND number IN (4, 6)`,
    )
    const faults = [
      { fault: 'missing', number: 2, event_id: ids[1] },
      { fault: 'missing', number: 4, event_id: null },
      { fault: 'missing', number: 6, event_id: null },
    ]
    expect((await verification(store)).faults).toEqual(faults)
    expect((await verification(store, 2)).faults).toEqual(faults)
  })

  test('one that was missing before it was sealed', async () => {
    const store = await makeStore()
    const ids = await acts(store, 3)
    await tamper(`DELETE FROM audit_events WHERE identity_store_id = '${store}' AND event_id = '${ids[1]}'`)
    await seal()
    expect((await verification(store)).faults).toEqual([{ fault: 'missing', number: 2, event_id: ids[1] }])
  })

  test('two that have changed places', async () => {
    const { store, ids } = await sealedStore(4)
    await tamper(
      `UPDATE audit_places SET event_id = '${ids[2]}' WHERE identity_store_id = '${store}' AND number = 2`,
      `UPDATE audit_places SET event_id = '${ids[1]}' WHERE identity_store_id = '${store}' AND number = 3`,
    )
    expect((await verification(store)).faults.filter(({ fault }) => fault === 'reordered')).toEqual([
      { fault: 'reordered', number: 2, event_id: ids[2] },
      { fault: 'reordered', number: 3, event_id: ids[1] },
    ])
  })

  test('one that was inserted, without a place or with one of another', async () => {
    const { store } = await sealedStore(4)
    const id = crypto.randomUUID()
    const other = crypto.randomUUID()
    await tamper(
      `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id) VALUES ('${store}', '${id}', 0, 'a', 'b', 'c', 'd')`,
      `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id, number, hash, salt, body_hash, previous_hash)
       SELECT identity_store_id, '${other}', at, actor, action, subject, request_id, number, hash, salt, body_hash, previous_hash
       FROM audit_events WHERE identity_store_id = '${store}' AND number = 2`,
    )
    const expected = [
      { fault: 'inserted', number: null, event_id: id },
      { fault: 'inserted', number: 2, event_id: other },
    ].toSorted((a, b) => (a.event_id < b.event_id ? -1 : 1))
    expect((await verification(store)).faults).toEqual(expected)
    expect((await verification(store, 1)).faults).toEqual(expected)
  })

  test('a body that is gone although its user was not deleted', async () => {
    const { store, ids } = await sealedStore(3)
    await tamper(
      `UPDATE audit_events SET before = NULL, after = NULL, salt = NULL WHERE identity_store_id = '${store}' AND number = 2`,
    )
    expect((await verification(store)).faults).toEqual([{ fault: 'erased', number: 2, event_id: ids[1] }])
  })
})

/** Alters an event and seals it anew, where it stands. */
async function forge(store: string, number: number, change: Partial<ChainedEvent>): Promise<void> {
  const row = (await rowsOf(store))[number - 1] as Record<string, never>
  const event = {
    identityStoreId: store,
    eventId: row.event_id,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    about: row.about,
    before: row.before,
    after: row.after,
    requestId: row.request_id,
    ...change,
  } as unknown as ChainedEvent
  const bodyHash = hashOfBody(row.salt as unknown as string, event)
  const hash = hashOfEvent(event, number, bodyHash, row.previous_hash as unknown as string)
  await tamper(
    env.DB.prepare(
      'UPDATE audit_events SET actor = ?, body_hash = ?, hash = ? WHERE identity_store_id = ? AND number = ?',
    ).bind(event.actor, bodyHash, hash, store, number),
  )
}

describe('the log takes nothing but new events', () => {
  test.each([
    "UPDATE audit_events SET actor = 'x' WHERE identity_store_id = ?",
    "UPDATE audit_events SET hash = 'x' WHERE identity_store_id = ?",
    `UPDATE audit_events SET before = '{"a":9}' WHERE identity_store_id = ?`,
    'UPDATE audit_places SET number = number + 1 WHERE identity_store_id = ?',
    'UPDATE audit_chains SET sealed_number = 0 WHERE identity_store_id = ?',
  ])('%s is refused', async (text) => {
    const { store } = await sealedStore(2)
    await expect(env.DB.prepare(text).bind(store).run()).rejects.toThrow(/audit event/)
  })

  test.each(['audit_events', 'audit_places'])('what is deleted from %s stays', async (table) => {
    const { store } = await sealedStore(2)
    const { meta } = await env.DB.prepare(`DELETE FROM ${table} WHERE identity_store_id = ?`).bind(store).run()
    expect(meta.changes).toBe(0)
    expect(await verification(store)).toMatchObject({ faults: [], events: 2 })
  })

  test('the version before erases a deleted user as it did, and the chain stands', async () => {
    const { identityStoreId, userId } = await makeUser()
    await patch(`/identity-stores/${identityStoreId}/users/${userId}`, { first_name: 'Erasmus' })
    await seal()
    const names =
      "'$.username', NULL, '$.first_name', NULL, '$.last_name', NULL, '$.email_address', NULL, '$.openid_subject', NULL, '$.address', NULL, '$.user_agent', NULL"
    await env.DB.batch([
      env.DB.prepare(
        `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id) VALUES (?, ?, 0, 'a', 'user.deleted', ?, 'd')`,
      ).bind(identityStoreId, crypto.randomUUID(), `user:${userId}`),
      env.DB.prepare(
        `UPDATE audit_events SET before = json_replace(before, ${names}), after = json_replace(after, ${names}) WHERE identity_store_id = ? AND subject = ?`,
      ).bind(identityStoreId, `user:${userId}`),
    ])
    await seal()
    expect(JSON.stringify(await rowsOf(identityStoreId))).not.toContain('Erasmus')
    expect(await verification(identityStoreId)).toMatchObject({ faults: [], events: 2 })
  })
})

describe('old events', () => {
  test('are cut off at a signed point, and the chain begins there', async () => {
    stopClock()
    const { store, ids } = await sealedStore(3)
    const cutHash = (await rowsOf(store))[2]?.hash
    advanceClock((401 * DAY) / 1000)
    await acts(store, 2)
    await runHourly()
    const rows = await rowsOf(store)
    expect(rows.map((row) => row.number)).toEqual([4, 5])
    const { faults, last, events } = await verification(store)
    expect([faults, events]).toEqual([[], 2])
    expect(last.begin).toMatchObject({ number: 3, hash: cutHash })
    expect(await openJws(last.begin.signed, last.keys)).toMatchObject({ sub: store, number: 3, hash: cutHash })
    expect(ids).toHaveLength(3)
    // Whoever cuts off more than the retention has signed is found.
    await tamper(
      `DELETE FROM audit_events WHERE identity_store_id = '${store}' AND number = 4`,
      `DELETE FROM audit_places WHERE identity_store_id = '${store}' AND number = 4`,
    )
    expect((await verification(store)).faults).toEqual([{ fault: 'missing', number: 4, event_id: null }])
  })

  test('go when all are old, and no number is given twice', async () => {
    stopClock()
    const { store } = await sealedStore(3)
    advanceClock((401 * DAY) / 1000)
    await runHourly()
    expect(await rowsOf(store)).toEqual([])
    await acts(store, 1)
    await seal()
    expect((await rowsOf(store)).map((row) => row.number)).toEqual([4])
    expect(await verification(store)).toMatchObject({ faults: [], events: 1, last: { begin: { number: 3 } } })
  })

  test('stay until they are sealed, and as long as one that is committed before them is kept', async () => {
    const now = stopClock()
    const store = await makeStore()
    await acts(store, 1)
    const old = firstIdAt(now - 401 * DAY)
    await env.DB.prepare(
      `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id) VALUES (?, ?, ?, 'a', 'b', 'c', 'd')`,
    )
      .bind(store, old, now - 401 * DAY)
      .run()
    await runHourly()
    expect(await rowsOf(store)).toHaveLength(2)
    expect(await verification(store)).toMatchObject({ faults: [], events: 2, last: { begin: { number: 0 } } })
  })
})

describe('heads', () => {
  const feed = async (store: string) => (await operate(`/identity-stores/${store}/events`)).body.events

  test('are told each hour, signed, while the chain grows, where somebody wants events', async () => {
    const store = await makeStore()
    const silent = await sealedStore(2)
    await put(`/identity-stores/${store}/events`, { enabled: true })
    await runHourly()
    const [row] = await rowsOf(store)
    const [event, ...more] = await feed(store)
    expect(more).toEqual([])
    expect(event).toMatchObject({ type: 'audit.head', data: { number: 1, hash: row?.hash } })
    const { last } = await verification(store)
    expect(await openJws(event.data.head, last.keys)).toMatchObject({ sub: store, number: 1, hash: row?.hash })
    await runHourly()
    // As in a store whose old events are cut off.
    await storeJobs(store).keepAuditLog(store, 0)
    expect(await feed(store)).toHaveLength(1)
    await acts(store, 1)
    await runHourly()
    expect((await feed(store)).at(-1)).toMatchObject({ type: 'audit.head', data: { number: 2 } })
    expect(await chainOf(silent.store)).toMatchObject({ published_number: 0 })
  })

  test('the key is kept sealed, and made once', async () => {
    await verification(null)
    await verification(null)
    const { results } = await env.DB.prepare('SELECT * FROM audit_keys').all<Record<string, string>>()
    expect(results).toHaveLength(1)
    expect(results[0]?.sealed_private_key).not.toContain('MC4CAQAwBQYDK2Vw')
  })
})

/** The claims of a JWS that one of these keys has signed. */
async function openJws(jws: string, keys: readonly JsonWebKey[]): Promise<unknown> {
  const [head = '', body = '', signature = ''] = jws.split('.')
  const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString())
  const jwk = keys.find((one) => (one as { kid?: string }).kid === kid) as JsonWebKey
  const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify'])
  const good = await crypto.subtle.verify(
    'Ed25519',
    key,
    Buffer.from(signature, 'base64url'),
    Buffer.from(`${head}.${body}`),
  )
  expect(good).toBe(true)
  return JSON.parse(Buffer.from(body, 'base64url').toString())
}

test('a stretch of nothing is verified against where it ends', () => {
  expect(verifyStretch({ number: 0, hash: GENESIS }, [], { number: 0, hash: GENESIS })).toEqual([])
  expect(verifyStretch({ number: 0, hash: GENESIS }, [], { number: 2, hash: 'x' })).toEqual([
    { fault: 'missing', number: 1, eventId: null },
    { fault: 'missing', number: 2, eventId: null },
  ])
})

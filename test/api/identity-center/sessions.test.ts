import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { and, eq } from 'drizzle-orm'
import { describe, expect, test, vi } from 'vitest'
import { newRecordId } from '../../../src/store/audit-events.ts'
import { auditEvents } from '../../../src/store/audit-schema.ts'
import { sessions } from '../../../src/store/schema.ts'
import { makeAccessKey } from '../../support/access-keys.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1, breakD1Statements } from '../../support/faults.ts'
import { mirrored, mirroredByAlarm, userObject } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { db, makeBearer, makeUser, type TestUser } from '../../support/stores.ts'
import { newUser } from '../../support/users.ts'
import { batchDelete, list, post } from './client.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const UNKNOWN = '0198c0de-0000-7000-8000-000000000000'

async function userWithKey(options: Parameters<typeof makeUser>[0] = {}) {
  const user = await makeUser(options)
  return { user, key: await makeAccessKey(user.identityStoreId) }
}

async function records(user: TestUser) {
  await mirrored(user)
  const mine = and(eq(sessions.identityStoreId, user.identityStoreId), eq(sessions.userId, user.userId))
  return db.select().from(sessions).where(mine).orderBy(sessions.sessionId)
}

function events(user: TestUser) {
  return db
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.subject, `user:${user.userId}`))
}

/** Opens a session, and writes as many more like it into the user's object, as if D1 had them. */
async function openMany(user: TestUser, count: number): Promise<string[]> {
  const first = await signIn(user)
  await mirrored(user)
  const more = Array.from({ length: count - 1 }, () => newRecordId(Date.now()))
  await runInDurableObject(userObject(user), (_object, { storage }) => {
    storage.sql.exec(
      `INSERT INTO sessions (id, version, mirrored_version, kind, secret_hash, opened_at, last_seen_at, persistent,
         credentials_type)
       SELECT value, 1, 1, kind, secret_hash, opened_at, last_seen_at, persistent, credentials_type
       FROM sessions, json_each(?)`,
      JSON.stringify(more),
    )
  })
  // It knows its live sessions by heart: it must read them anew.
  await evictDurableObject(userObject(user))
  return [first.id, ...more]
}

describe('the list', () => {
  test('has the live sessions, newest first, as they are documented', async () => {
    const openedAt = stopClock()
    const { user, key } = await userWithKey({ config: { sessionMinutes: 60 } })
    const first = await signIn(user, { userAgent: 'First/1.0' })
    advanceClock(1)
    const second = await signIn(user, { address: '192.0.2.7' })
    const answer = await list(key, user)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-request-id')).not.toBe('')
    expect(answer.body.session_list[1]).toEqual({
      creation_time: openedAt,
      ip_address: user.address,
      session_id: first.id,
      session_not_valid_after: openedAt + 3_600_000,
      user_agent: 'First/1.0',
      user_id: user.userId,
    })
    expect(answer.body).toMatchObject({ session_list: [{ session_id: second.id, ip_address: '192.0.2.7' }, {}] })
    expect(answer.body.session_list[0].session_id).toMatch(UUID)
  })

  test('is empty for a user without sessions, and without those that have ended', async () => {
    stopClock()
    const { user, key } = await userWithKey({ config: { sessionMinutes: 5 } })
    expect((await list(key, user)).body).toEqual({ session_list: [] })
    await signIn(user)
    expect((await list(key, user)).body.session_list).toHaveLength(1)
    advanceClock(300)
    expect((await list(key, user)).body).toEqual({ session_list: [] })
  })

  test('leaves out API sessions, and what is not known of a client', async () => {
    const user = await newUser()
    const key = await makeAccessKey(user.identityStoreId)
    await user.open({ kind: 'api', apiClientId: 'client' })
    const web = await user.open({ client: { address: null, userAgent: null } })
    expect((await list(key, user)).body.session_list).toEqual([
      {
        creation_time: expect.any(Number),
        session_id: web.id,
        session_not_valid_after: expect.any(Number),
        user_id: user.userId,
      },
    ])
  })

  test('is no activity of the user', async () => {
    stopClock()
    const { user, key } = await userWithKey({ config: { useInactivityBasedLogout: true } })
    const session = await signIn(user)
    advanceClock(600)
    expect((await list(key, user)).body.session_list).toHaveLength(1)
    advanceClock(300)
    expect((await check(session)).status).toBe(401)
  })

  test('costs one object call and two statements', async () => {
    const { user, key } = await userWithKey()
    await signIn(user)
    await mirrored(user)
    const counts = countCalls()
    await list(key, user)
    expect(counts).toMatchObject({ objectCalls: 1, jobCalls: 0, d1Statements: 2, kvReads: 0, kvWrites: 0 })
  })
})

describe('batch-delete', () => {
  test('ends the named sessions, and answers 200 without a body', async () => {
    const { user, key } = await userWithKey()
    const [first, second, third] = [await signIn(user), await signIn(user), await signIn(user)]
    const answer = await batchDelete(key, user, [first.id, third.id])
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect((await list(key, user)).body.session_list).toMatchObject([{ session_id: second.id }])
  })

  test('kills a session for every way of asking, at once', async () => {
    const { user, key } = await userWithKey()
    const bearer = await signIn(user)
    const cookie = await signIn(user, { transport: 'cookie' })
    const service = await makeBearer(user.identityStoreId, ['sessions:introspect'])
    const introspect = async (token: string, headers = {}) =>
      (await send('/oauth2/introspect', { bearer: service, form: { token }, headers })).json()
    const old = { 'cache-control': 'max-age=60' }
    // What this isolate has learned must not outlive the end.
    expect((await check(bearer, { headers: old })).status).toBe(200)
    expect((await send('/sessions/current', { cookie: cookie.token, headers: old })).status).toBe(200)
    expect(await introspect(bearer.token, old)).toMatchObject({ active: true })

    expect((await batchDelete(key, user, [bearer.id, cookie.id])).status).toBe(200)

    const ended = { code: 'session_ended', reason: 'revoked' }
    for (const headers of [{}, old]) {
      for (const one of [
        await check(bearer, { headers }),
        await send('/sessions/current', { cookie: cookie.token, headers }),
        await send('/sessions', { bearer: bearer.token }),
        await send('/sessions', { cookie: cookie.token }),
      ]) {
        expect(one.status).toBe(401)
        expect(await one.json()).toMatchObject(ended)
      }
      for (const { token } of [bearer, cookie]) expect(await introspect(token, headers)).toEqual({ active: false })
    }
  })

  test('is idempotent: the same request again ends nothing and changes no record', async () => {
    const { user, key } = await userWithKey()
    const session = await signIn(user)
    stopClock()
    expect((await batchDelete(key, user, [session.id])).status).toBe(200)
    const before = await records(user)
    advanceClock(1)
    expect(await batchDelete(key, user, [session.id, session.id])).toMatchObject({ status: 200, text: '' })
    expect(await records(user)).toEqual(before)
  })

  test('passes over ids of other users and unknown ones, and answers as if they were ended', async () => {
    const { user, key } = await userWithKey()
    const other = await makeUser({ identityStoreId: user.identityStoreId })
    const stranger = await makeUser()
    const [own, others, strangers] = [await signIn(user), await signIn(other), await signIn(stranger)]
    const odd = ['', 'é"世', '1', own.id.toUpperCase(), `${own.id}0`, '../x']
    const answer = await batchDelete(key, user, [others.id, strangers.id, UNKNOWN, ...odd])
    expect(answer).toMatchObject({ status: 200, text: '' })
    const names = (one: { headers: Headers }) => [...one.headers.keys()].sort()
    expect(names(answer)).toEqual(names(await batchDelete(key, user, [UNKNOWN])))
    for (const session of [own, others, strangers]) expect((await check(session)).status).toBe(200)
  })

  test('is on record: who, by which request, and why each session ended', async () => {
    const { user, key } = await userWithKey()
    const [first, second] = [await signIn(user), await signIn(user)]
    const answer = await batchDelete(key, user, [first.id])
    const requestId = answer.headers.get('x-request-id')
    expect(await records(user)).toMatchObject([
      {
        sessionId: first.id,
        endReason: 'revoked',
        endedBy: `credential:${key.credentialId}`,
        endRequestId: requestId,
      },
      { sessionId: second.id, endReason: null, endedBy: null, endRequestId: null },
    ])
    const [event, ...more] = await events(user)
    expect(more).toEqual([])
    expect(event).toMatchObject({
      identityStoreId: user.identityStoreId,
      actor: `credential:${key.credentialId}`,
      action: 'sessions.batch_delete',
      requestId,
    })
    expect(JSON.parse(event?.after ?? '')).toEqual({
      session_ids: [first.id],
      caller_identity_store_id: user.identityStoreId,
    })
  })

  test('does nothing that it cannot put on record', async () => {
    const { user, key } = await userWithKey()
    const session = await signIn(user)
    await mirrored(user)
    const fault = breakD1Statements(/audit_events/)
    expect((await batchDelete(key, user, [session.id])).status).toBe(503)
    fault.repair()
    expect((await check(session)).status).toBe(200)
  })

  test('has ended the sessions even if the mirror fails, and is mirrored later', async () => {
    const { user, key } = await userWithKey()
    const session = await signIn(user)
    await mirrored(user)
    const fault = breakD1Statements(/^insert into "sessions"/i, { times: 1 })
    expect((await batchDelete(key, user, [session.id])).status).toBe(200)
    expect((await check(session)).status).toBe(401)
    await vi.waitFor(() => expect(fault.hits).toBe(1))
    await mirroredByAlarm(user)
    expect(await records(user)).toMatchObject([{ endReason: 'revoked', endedBy: `credential:${key.credentialId}` }])
  })

  test('costs one object call and three statements: the key, the user, the record', async () => {
    const { user, key } = await userWithKey()
    await signIn(user)
    await mirrored(user)
    const counts = countCalls()
    await batchDelete(key, user, [UNKNOWN])
    expect(counts).toMatchObject({ objectCalls: 1, jobCalls: 0, d1Statements: 3, kvReads: 0, kvWrites: 0 })
  })

  test('takes 1 000 sessions in one object call; with the mirror that follows, at most eight statements', async () => {
    const user = await newUser()
    const key = await makeAccessKey(user.identityStoreId)
    const opened = await openMany(user, 1_000)
    await mirrored(user)
    const counts = countCalls()
    const answer = await batchDelete(key, user, opened)
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(counts.objectCalls).toBe(1)
    await mirrored(user)
    expect(counts.d1Statements).toBeLessThanOrEqual(8)
    expect((await list(key, user)).body).toEqual({ session_list: [] })
    const ended = (await user.records()).filter(({ endReason }) => endReason === 'revoked')
    expect(ended).toHaveLength(1_000)
  })

  test('refuses an empty, a missing, a malformed and an overlong list, and changes nothing', async () => {
    const { user, key } = await userWithKey()
    const session = await signIn(user)
    const bodies = [
      '',
      '{}',
      '[]',
      'null',
      '"x"',
      '{',
      '\xff',
      JSON.stringify({ session_ids: [] }),
      JSON.stringify({ session_ids: null }),
      JSON.stringify({ session_ids: session.id }),
      JSON.stringify({ session_ids: [session.id, 1] }),
      JSON.stringify({ session_ids: [session.id, null] }),
      JSON.stringify({ session_ids: Array(1_001).fill(session.id) }),
    ]
    for (const body of bodies) {
      const answer = await post(key, user, body)
      expect(answer.status, body.slice(0, 60)).toBe(400)
      expect(answer.body).toEqual({
        error_code: 'IIC.400',
        error_msg: expect.stringMatching(/^Bad Request: .+\.$/),
        request_id: answer.headers.get('x-request-id'),
      })
    }
    expect((await check(session)).status).toBe(200)
    expect(await events(user)).toEqual([])
  })

  test('takes fields that it does not know, and any label of the body', async () => {
    const { user, key } = await userWithKey()
    const session = await signIn(user)
    const body = JSON.stringify({ session_ids: [session.id], more: 1 })
    expect((await post(key, user, body, { headers: { 'content-type': 'text/plain' } })).status).toBe(200)
    expect((await check(session)).status).toBe(401)
  })
})

test('a user who is disabled, or a bot, is found; one who is deleted, unknown or of another store is not', async () => {
  const { user, key } = await userWithKey({ active: false })
  expect((await list(key, user)).status).toBe(200)
  const bot = await makeUser({ identityStoreId: user.identityStoreId, bot: true })
  expect((await list(key, bot)).status).toBe(200)
  await env.DB.prepare('UPDATE users SET deleted_at = 1, username = NULL WHERE user_id = ?').bind(bot.userId).run()
  const stranger = await makeUser()
  for (const userId of [bot.userId, stranger.userId, 'nope', '-', 'x'.repeat(65)]) {
    const counts = countCalls()
    const target = { identityStoreId: user.identityStoreId, userId }
    for (const answer of [await list(key, target), await batchDelete(key, target, [UNKNOWN])]) {
      expect(answer).toMatchObject({ status: 404, body: { error_code: 'IIC.404', error_msg: 'Not Found: user.' } })
    }
    // No object is made for a user who does not exist.
    expect(counts.objectCalls).toBe(0)
  }
})

test('without D1 it is unavailable, and says when to come again', async () => {
  const { user, key } = await userWithKey()
  breakD1()
  const answer = await list(key, user)
  expect(answer).toMatchObject({ status: 503, body: { error_code: 'APIGW.0201' } })
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
})

test('a binding of another Worker sees the session dead', async () => {
  const { user, key } = await userWithKey()
  const session = await signIn(user)
  const props = { identityStoreId: user.identityStoreId, scopes: ['sessions:introspect'] }
  const binding = (
    exports as unknown as {
      SessionsEntrypoint: (options: { props: object }) => { check(input: unknown): Promise<unknown> }
    }
  ).SessionsEntrypoint({ props })
  expect(await binding.check({ token: session.token })).toMatchObject({ ok: true })
  await batchDelete(key, user, [session.id])
  expect(await binding.check({ token: session.token })).toMatchObject({ ok: false, error: { code: 'session_ended' } })
})

import { describe, expect, test } from 'vitest'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { check, type RequestOptions, send, signIn } from '../../support/requests.ts'
import { makeApiClient, makeBearer, makeUser } from '../../support/stores.ts'
import { readToken, tokenRing } from '../../support/variants.ts'
import { revoke } from './ends.ts'

const SCOPES = ['sessions:introspect', 'sessions:revoke'] as const
const PHONE = { address: '198.51.100.7', user_agent: 'Phone/1.0' }
const BACK_END = '203.0.113.9'

async function setUp(options: Parameters<typeof makeUser>[0] = {}) {
  const session = await signIn(await makeUser(options))
  const bearer = await makeBearer(session.user.identityStoreId, SCOPES)
  const ask = (more: object = {}, request: RequestOptions = {}) =>
    send('/sessions/check', { bearer, address: BACK_END, json: { token: session.token, ...more }, ...request })
  const state = async (...how: Parameters<typeof ask>) => (await ask(...how)).json()
  return { session, bearer, ask, state }
}

describe('a back end that checks the session of its user', () => {
  test('is told of a live one what its holder is told', async () => {
    const { session, ask } = await setUp({ config: { useInactivityBasedLogout: true } })
    const response = await ask({ touch: false })
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await response.json()).toEqual({
      state: 'active',
      session: await (await send('/sessions/current?touch=false', { bearer: session.token })).json(),
    })
  })

  test('names the client, whose address is the session’s from then on; its own never is', async () => {
    const { session, state } = await setUp()
    const { address } = session.user
    expect(await state()).toMatchObject({ session: { address, browser: 'Chrome 140.0.0.0' } })
    expect(await state({ client: null })).toMatchObject({ session: { address } })
    // No activity of the user is none of the client.
    expect(await state({ client: PHONE, touch: false })).toMatchObject({ session: { address } })
    expect(await state({ client: PHONE })).toMatchObject({ session: { address: PHONE.address } })
    const own = await send('/sessions', { bearer: session.token, address: PHONE.address, userAgent: PHONE.user_agent })
    expect(await own.json()).toMatchObject({ sessions: [{ id: session.id, address: PHONE.address }] })
  })

  test('decides whether it counts as activity', async () => {
    stopClock()
    const { state } = await setUp({ config: { useInactivityBasedLogout: true } })
    advanceClock(600)
    await state({ touch: false })
    advanceClock(299)
    await state()
    advanceClock(899)
    expect(await state({ touch: false })).toMatchObject({ state: 'active' })
    advanceClock(1)
    const ended_at = new Date().toISOString()
    expect(await state()).toEqual({ state: 'ended', reason: 'idle', ended_at })
  })

  test('accepts an old answer, with its age, but none from before an end', async () => {
    stopClock()
    const { session, ask, state } = await setUp()
    const within = (seconds: number) => ({ headers: { 'cache-control': `max-age=${seconds}` } })
    expect((await ask({}, within(30))).headers.get('age')).toBe('0')
    advanceClock(7)
    const counts = countCalls()
    const warm = await ask({}, within(7))
    expect([warm.headers.get('age'), counts.objectCalls, counts.d1Statements]).toEqual(['7', 0, 1])
    expect(await warm.json()).toMatchObject({ state: 'active', session: { id: session.id, current: true } })
    expect((await ask({}, within(6))).headers.get('age')).toBe('0')
    expect((await ask()).headers.get('age')).toBeNull()
    expect(counts.objectCalls).toBe(2)
    // One memory for all who check.
    advanceClock(5)
    expect((await check(session, within(5))).headers.get('age')).toBe('5')
    await revoke(session)
    expect(await state({}, within(60))).toMatchObject({ state: 'ended', reason: 'revoked' })
  })

  test('is told of anything but a live or an ended session of its store that it knows none', async () => {
    const { session, bearer, state } = await setUp()
    const foreign = await signIn(await makeUser())
    await check(foreign, { headers: { 'cache-control': 'max-age=60' } })
    const known = await readToken(session.token)
    const tokens = [
      foreign.token,
      bearer,
      await tokenRing(1).sign({ ...known, kind: 'api' }),
      await tokenRing(1).sign({ ...known, secret: known.secret.map((byte) => byte ^ 1) }),
      'x',
      'x'.repeat(4_096),
    ]
    for (const token of tokens) {
      const headers = { 'cache-control': 'max-age=60' }
      expect(await state({ token }, { headers })).toEqual({ state: 'unauthenticated' })
    }
  })

  test('never takes what cannot be checked for live', async () => {
    const { ask } = await setUp()
    intercept(({ to }, goOn) => (to === 'USERS' ? Promise.reject(new Error('lost')) : goOn()))
    const response = await ask()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await response.json()).toMatchObject({ code: 'unavailable' })
  })

  test('may be an API client; without a good credential and the scope it is told nothing', async () => {
    const { session, ask } = await setUp()
    const { identityStoreId } = session.user
    const { clientId, clientSecret } = await makeApiClient(identityStoreId, SCOPES)
    const basic = { headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` } }
    expect(await (await ask({}, basic)).json()).toMatchObject({ state: 'active' })
    const unscoped = await makeBearer(identityStoreId, ['sessions:open', 'sessions:revoke'])
    for (const [bearer, status, code] of [
      ['nobody', 401, 'unauthenticated'],
      [session.token, 401, 'wrong_token_kind'],
      [unscoped, 403, 'forbidden'],
    ] as const) {
      // Who calls is asked before what is sent.
      const response = await ask({ token: 1 }, { bearer })
      expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })])
    }
  })
})

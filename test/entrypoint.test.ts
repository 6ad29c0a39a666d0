import { env, exports } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import type { SessionsEntrypoint } from '../src/index.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { countCalls } from './support/counts.ts'
import { breakD1, breakUserObjects } from './support/faults.ts'
import { mirrored } from './support/objects.ts'
import { check, send, signIn } from './support/requests.ts'
import { makeStore, makeUser } from './support/stores.ts'

const ALL = ['sessions:open', 'sessions:introspect', 'sessions:revoke']
const client = { address: '198.51.100.7', userAgent: 'Device/1.0' }

/** The entry point as a bound Worker has it, with the `props` of its binding; undefined for none. */
function bound(props?: unknown): Pick<SessionsEntrypoint, 'check' | 'open' | 'end' | 'listOwn' | 'endOwn'> {
  const entrypoint = exports.SessionsEntrypoint as unknown as (options: object) => unknown
  return entrypoint(props === undefined ? {} : { props }) as ReturnType<typeof bound>
}

const to = (identityStoreId: string, scopes: readonly string[] = ALL) => bound({ identityStoreId, scopes })

describe('a bound Worker', () => {
  test('has its outages logged with an id, one a call', async () => {
    const user = await makeUser()
    const sessions = to(user.identityStoreId)
    const { token } = await signIn(user)
    const logged = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    breakD1()
    breakUserObjects()
    const results = [
      await sessions.check({ token }),
      await sessions.open({ userId: user.userId, client }),
      await sessions.end({ token }),
      await sessions.listOwn({ token }),
      await sessions.endOwn({ token, sessions: 'others' }),
    ]
    expect(results.map((result) => !result.ok && result.error.code)).toEqual(Array(5).fill('unavailable'))
    const lines = logged.mock.calls.map(([line]) => line).filter(({ event }) => event === 'dependency.unavailable')
    expect(lines.length).toBeGreaterThanOrEqual(5)
    for (const line of lines) expect(line).toMatchObject({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(5)
  })

  test('opens, checks and ends a session of its store', async () => {
    const user = await makeUser()
    const sessions = to(user.identityStoreId)
    const opened = await sessions.open({ userId: user.userId, client })
    if (!opened.ok) throw new Error(opened.error.code)
    const { token, id } = opened.value
    expect(opened.value).toMatchObject({ user_id: user.userId, address: client.address, current: true })
    expect((await send('/sessions/current?touch=false', { bearer: token })).status).toBe(200)
    expect(await sessions.check({ token })).toMatchObject({ ok: true, value: { id, user_id: user.userId } })
    expect(await sessions.end({ token })).toEqual({ ok: true, value: undefined })
    expect(await sessions.end({ token })).toEqual({ ok: true, value: undefined })
    expect(await sessions.check({ token })).toMatchObject({
      ok: false,
      error: { code: 'session_ended', reason: 'revoked' },
    })
    await mirrored(user)
    const row = env.DB.prepare('SELECT ended_by FROM sessions WHERE session_id = ?').bind(id)
    expect(await row.first()).toEqual({ ended_by: 'service_binding' })
  })

  test('says where the client is: kept if the store keeps locations, and only then', async () => {
    const location = { city: 'Ghent', country: 'BE', timeZone: 'Europe/Brussels' }
    for (const trackSessionLocation of [true, false]) {
      const user = await makeUser({ config: { trackSessionLocation } })
      const opened = await to(user.identityStoreId).open({ userId: user.userId, client, location })
      const kept = { city: 'Ghent', region: null, country: 'BE' }
      expect(opened).toMatchObject({ ok: true, value: { location: trackSessionLocation ? kept : null } })
    }
    const user = await makeUser()
    const wrong = await to(user.identityStoreId).open({ userId: user.userId, client, location: { town: 'x', city: 1 } })
    if (wrong.ok || wrong.error.code !== 'invalid_request') throw new Error('taken')
    expect(wrong.error.issues.map(({ field }) => field).toSorted()).toEqual(['location.city', 'location.town'])
  })

  test('decides whether a check is activity, and how old an answer may be', async () => {
    stopClock()
    const session = await signIn(await makeUser({ config: { useInactivityBasedLogout: true } }))
    const sessions = to(session.user.identityStoreId)
    const { token } = session
    advanceClock(600)
    expect(await sessions.check({ token, touch: false })).toMatchObject({ ok: true })
    const counts = countCalls()
    advanceClock(30)
    expect(await sessions.check({ token, maxAgeSeconds: 30 })).toMatchObject({ ok: true })
    expect(counts.objectCalls).toBe(0)
    await sessions.check({ token })
    expect(counts.objectCalls).toBe(1)
    advanceClock(899)
    expect(await sessions.check({ token, touch: false })).toMatchObject({ ok: true })
    advanceClock(1)
    expect(await sessions.check({ token })).toMatchObject({ ok: false, error: { reason: 'idle' } })
  })

  test('says whose client it is that a check is made for', async () => {
    const session = await signIn(await makeUser())
    const sessions = to(session.user.identityStoreId)
    const { token } = session
    expect(await sessions.check({ token })).toMatchObject({ value: { address: session.user.address } })
    expect(await sessions.check({ token, client })).toMatchObject({ value: { address: client.address } })
    expect(await sessions.check({ token })).toMatchObject({ value: { address: client.address } })
  })

  test('cannot open for an unknown, a disabled, or another store’s user', async () => {
    const user = await makeUser({ active: false })
    const sessions = to(user.identityStoreId)
    const codeFor = async (userId: string) => {
      const opened = await sessions.open({ userId, client })
      return opened.ok ? 'opened' : opened.error.code
    }
    expect(await codeFor(user.userId)).toBe('user_disabled')
    expect(await codeFor('nobody')).toBe('user_not_found')
    expect(await codeFor((await makeUser()).userId)).toBe('user_not_found')
  })

  test('knows no token of another store', async () => {
    const session = await signIn(await makeUser())
    const sessions = to(await makeStore())
    const counts = countCalls()
    const unknown = { ok: false, error: { code: 'unauthenticated' } }
    expect(await sessions.check({ token: session.token, maxAgeSeconds: 60 })).toEqual(unknown)
    expect(await sessions.end({ token: session.token })).toEqual(unknown)
    expect(counts.objectCalls).toBe(0)
    expect((await check(session)).status).toBe(200)
  })

  test('is told every bad argument by value', async () => {
    const user = await makeUser()
    const sessions = to(user.identityStoreId)
    const bad: [Promise<unknown>, string[]][] = [
      [sessions.check({}), ['token']],
      [sessions.check(null), ['']],
      [sessions.check({ token: 'x', maxAgeSeconds: 61, touch: 'no', more: 1 }), ['touch', 'maxAgeSeconds', 'more']],
      [sessions.check({ token: 'x', client: { address: 'somewhere' } }), ['client.address', 'client.userAgent']],
      [
        sessions.open({ userId: '../x', client: { address: 'somewhere' } }),
        ['userId', 'client.address', 'client.userAgent'],
      ],
      [sessions.end({ token: 1 }), ['token']],
    ]
    for (const [call, fields] of bad) {
      const answer = (await call) as { ok: boolean; error: { code: string; issues: { field: string }[] } }
      expect(answer).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
      expect(answer.error.issues.map(({ field }) => field)).toEqual(fields)
    }
  })
})

describe('without the right props a bound Worker may do nothing:', () => {
  const store = 'store'
  const props: [string, unknown][] = [
    ['none', undefined],
    ['empty', {}],
    ['no store', { scopes: ALL }],
    ['no scopes', { identityStoreId: store }],
    ['an empty list of scopes', { identityStoreId: store, scopes: [] }],
    ['a scope that is none', { identityStoreId: store, scopes: [...ALL, 'everything'] }],
    ['the operators’ scope', { identityStoreId: store, scopes: ['operator'] }],
    ['every store', { identityStoreId: '*', scopes: ALL }],
    ['something more', { identityStoreId: store, scopes: ALL, admin: true }],
  ]
  test.each(props)('%s', async (_what, one) => {
    const sessions = bound(one)
    const counts = countCalls()
    for (const call of [
      sessions.check({ token: 'x' }),
      sessions.open({ userId: 'u', client }),
      sessions.end({ token: 'x' }),
    ]) {
      expect(await call).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    }
    expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 0, kvReads: 0 })
  })

  test.each(ALL)('only what %s allows', async (scope) => {
    const user = await makeUser()
    const { token } = await signIn(user)
    const sessions = to(user.identityStoreId, [scope])
    const answers = {
      'sessions:introspect': await sessions.check({ token }),
      'sessions:open': await sessions.open({ userId: user.userId, client }),
      'sessions:revoke': await sessions.end({ token }),
    }
    for (const [needed, answer] of Object.entries(answers)) {
      if (needed === scope) expect(answer.ok).toBe(true)
      else expect(answer).toEqual({ ok: false, error: { code: 'forbidden', needed: [needed], provided: [scope] } })
    }
  })
})

import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { userObjectName } from '../../../src/domain/ids.ts'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { Gate } from '../../support/gate.ts'
import { check, type RequestOptions, send, signIn, type TestSession } from '../../support/requests.ts'
import { makeUser } from '../../support/stores.ts'
import { readToken, tokenRing } from '../../support/variants.ts'
import { changeUser, revoke } from './ends.ts'

function within(seconds: number): RequestOptions {
  return { headers: { 'cache-control': `max-age=${seconds}` } }
}

describe('a caller who accepts an old answer', () => {
  test('gets it without any call, with its age; and none older than it accepts', async () => {
    stopClock()
    const session = await signIn(await makeUser())
    expect((await check(session, within(60))).headers.get('age')).toBe('0')
    const counts = countCalls()
    advanceClock(7)
    const warm = await check(session, within(7))
    expect([warm.status, warm.headers.get('age')]).toEqual([200, '7'])
    expect(await warm.json()).toMatchObject({ id: session.id, current: true })
    expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 0, kvReads: 0 })
    expect((await check(session, within(6))).headers.get('age')).toBe('0')
    expect(counts.objectCalls).toBe(1)
  })

  test('never gets one older than a minute', async () => {
    stopClock()
    const session = await signIn(await makeUser())
    await check(session)
    advanceClock(60)
    expect((await check(session, within(99_999_999_999))).headers.get('age')).toBe('60')
    advanceClock(1)
    expect((await check(session, within(99_999_999_999))).headers.get('age')).toBe('0')
  })

  test('gets a strict answer where it says anything else, or says it twice', async () => {
    const session = await signIn(await makeUser())
    await check(session)
    const counts = countCalls()
    for (const [before, directive] of [
      'no-cache',
      'no-store',
      'max-age=0',
      'max-age=-1',
      'max-age=1.5',
      'max-age="30"',
      'max-age=soon',
      'max-age',
      'max-age=30, no-cache',
      'no-cache, max-age=30',
      'max-age=30, max-age=30',
      'max-age=30, max-age=soon',
      'max-stale=30',
      '',
    ].entries()) {
      const response = await check(session, { headers: { 'cache-control': directive } })
      expect([directive, response.status, response.headers.get('age')]).toEqual([directive, 200, null])
      expect([directive, counts.objectCalls]).toEqual([directive, before + 1])
    }
  })

  test('never gets one past the session’s deadlines', async () => {
    for (const [config, seconds] of [
      [{ sessionMinutes: 5 }, 300],
      [{ useInactivityBasedLogout: true }, 900],
    ] as const) {
      stopClock()
      const session = await signIn(await makeUser({ config }))
      if ('useInactivityBasedLogout' in config) await check(session, within(60))
      advanceClock(seconds - 30)
      await send('/sessions/current?touch=false', { bearer: session.token })
      advanceClock(29)
      expect((await check(session, within(60))).headers.get('age')).toBe('29')
      advanceClock(1)
      expect((await check(session, within(60))).status).toBe(401)
    }
  })

  const ends: [string, (session: TestSession) => Promise<unknown>][] = [
    ['signing out', ({ token }) => send('/sessions/current', { method: 'DELETE', bearer: token })],
    ['a revocation', revoke],
    [
      'another of the user’s devices, by number',
      async ({ id, user }) => {
        const { token } = await signIn(user)
        expect((await send(`/sessions/${id}`, { method: 'DELETE', bearer: token })).status).toBe(204)
      },
    ],
    [
      'another of the user’s devices, with all others',
      async ({ user }) => {
        const { token } = await signIn(user)
        expect((await send('/sessions?except=current', { method: 'DELETE', bearer: token })).status).toBe(200)
      },
    ],
    ['a sign-in in its place', ({ user, token }) => signIn(user, { cookie: token, transport: 'cookie' })],
    ['disabling the user', (session) => changeUser(session, { active: false })],
    ['a new password', (session) => changeUser(session, { password: 'another good password' })],
    [
      'a strict check that finds it ended',
      async (session) => {
        const { user, id } = session
        const stub = env.USERS.get(env.USERS.idFromName(userObjectName(user.identityStoreId, user.userId)))
        await stub.end({ only: [id] }, 'revoked', { caller: null, requestId: null })
        await check(session)
      },
    ],
  ]
  for (const [what, end] of ends) {
    test(`never gets one after ${what}`, async () => {
      const session = await signIn(await makeUser())
      await check(session, within(60))
      expect((await check(session, within(60))).status).toBe(200)
      await end(session)
      expect((await check(session, within(60))).status).toBe(401)
    })
  }

  test('never gets one that was on its way when the session ended', async () => {
    const session = await signIn(await makeUser())
    const gate = new Gate()
    const leave = intercept(async (call, goOn) => {
      const answer = await goOn()
      if (call.to === 'USERS' && call.method === 'check') await gate.pass()
      return answer
    })
    const late = check(session, within(60))
    await gate.reached()
    await send('/sessions/current', { method: 'DELETE', bearer: session.token })
    gate.open()
    expect((await late).status).toBe(200)
    leave()
    expect((await check(session, within(60))).status).toBe(401)
  })

  test('does not get the answer for another token of the session', async () => {
    const session = await signIn(await makeUser())
    await check(session, within(60))
    const known = await readToken(session.token)
    const token = await tokenRing(1).sign({ ...known, secret: known.secret.map((byte) => byte ^ 1) })
    expect((await check({ ...session, token }, within(60))).status).toBe(401)
    expect((await check(session, within(60))).status).toBe(200)
  })
})

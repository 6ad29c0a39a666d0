/** One table of cases, run three times: the client finds the service alike over HTTP and over a binding, and its double. */
import { describe, expect, test } from 'vitest'
import type { Opened } from '../../packages/client/src/index.ts'
import { foreignToken, SUBJECTS, type Subject } from './subjects.ts'

const LAPTOP = { address: '198.51.100.7', userAgent: 'Laptop/1.0' }
const PHONE = { address: '2001:db8::7', userAgent: 'Phone/1.0' }

async function open({ client, userId }: Subject, more: object = {}): Promise<Extract<Opened, { ok: true }>> {
  const opened = await client.sessions.open({ userId, client: LAPTOP, ...more })
  if (!opened.ok) throw new Error(opened.code)
  return opened
}

const now = () => new Date().toISOString()

describe.each(SUBJECTS)('%s', (_name, make) => {
  test('a session that was opened is active', async () => {
    const subject = await make({ overallTimeoutSeconds: 3_600, inactivityTimeoutSeconds: 900 })
    const { session, token } = await open(subject, { persistent: true })
    expect(session).toMatchObject({
      userId: subject.userId,
      current: true,
      openedAt: now(),
      lastSeenAt: now(),
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      idlesOutAt: new Date(Date.now() + 900_000).toISOString(),
      persistent: true,
      credentialsType: 'trusted_back_end',
      address: LAPTOP.address,
    })
    const check = await subject.client.sessions.check(token)
    expect(check).toEqual({ state: 'active', session, ageSeconds: 0, setCookies: [] })
    subject.advance(3)
    const older = await subject.client.sessions.check(token, { maxAge: 5 })
    expect(older).toMatchObject({ state: 'active', session: { id: session.id } })
    expect(older.state === 'active' && older.ageSeconds).toBeLessThanOrEqual(5)
  })

  test.each([
    ['none', null],
    ['an empty one', ''],
    ['text', 'an apple; a pear'],
    ['too long a one', 'x'.repeat(5_000)],
    ['a likely one', 'A'.repeat(148)],
  ])('a token is unauthenticated: %s', async (_what, token) => {
    const { sessions } = (await make()).client
    expect(await sessions.check(token)).toEqual({ state: 'unauthenticated' })
    if (token === null) return
    for (const answer of [sessions.listOwn(token), sessions.endOwn(token, 'others')]) {
      expect(await answer).toEqual({ ok: false, code: 'unauthenticated' })
    }
  })

  test('another store’s token is unauthenticated', async () => {
    const token = await foreignToken()
    const { sessions } = (await make()).client
    expect(await sessions.check(token, { maxAge: 60 })).toEqual({ state: 'unauthenticated' })
    expect(await sessions.end(token)).toEqual({ ok: false, code: 'unauthenticated' })
    expect(await sessions.listOwn(token)).toEqual({ ok: false, code: 'unauthenticated' })
  })

  test('an end holds at once, twice as once, and says why', async () => {
    const subject = await make()
    const { sessions } = subject.client
    const { token } = await open(subject)
    expect(await sessions.check(token, { maxAge: 60 })).toMatchObject({ state: 'active' })
    const ended = { reason: 'revoked', endedAt: now() }
    expect(await sessions.end(token)).toEqual({ ok: true })
    subject.advance(1)
    expect(await sessions.end(token)).toEqual({ ok: true })
    expect(await sessions.check(token, { maxAge: 60 })).toEqual({ state: 'ended', ...ended })
    const told = { ok: false, code: 'session_ended', ...ended }
    expect(await sessions.listOwn(token)).toEqual(told)
    expect(await sessions.endOwn(token, 'others')).toEqual(told)
  })

  test('the overall timeout ends a session at its instant', async () => {
    const subject = await make({ overallTimeoutSeconds: 3_600 })
    const { token, session } = await open(subject)
    subject.advance(3_599)
    expect(await subject.client.sessions.check(token)).toMatchObject({ state: 'active' })
    subject.advance(1)
    const check = await subject.client.sessions.check(token)
    expect(check).toEqual({ state: 'ended', reason: 'expired', endedAt: session.expiresAt })
  })

  test('activity keeps a session from idling out, and looking does not', async () => {
    const subject = await make({ inactivityTimeoutSeconds: 900 })
    const { sessions } = subject.client
    const { token } = await open(subject)
    subject.advance(899)
    expect(await sessions.check(token)).toMatchObject({ state: 'active', session: { lastSeenAt: now() } })
    subject.advance(899)
    const looked = await sessions.check(token, { touch: false })
    const idlesOutAt = new Date(Date.now() + 1_000).toISOString()
    expect(looked).toMatchObject({ state: 'active', session: { idlesOutAt } })
    subject.advance(1)
    expect(await sessions.check(token)).toEqual({ state: 'ended', reason: 'idle', endedAt: idlesOutAt })
  })

  test('the limit evicts the oldest', async () => {
    const subject = await make({ concurrentSessionLimit: 2 })
    const tokens = []
    for (let count = 0; count < 3; count += 1) {
      tokens.push((await open(subject)).token)
      subject.advance(1)
    }
    const states = []
    for (const token of tokens) {
      const check = await subject.client.sessions.check(token)
      states.push(check.state === 'ended' ? check.reason : check.state)
    }
    expect(states).toEqual(['evicted', 'active', 'active'])
  })

  test('the limit refuses where it is to, and lets the user choose', async () => {
    const subject = await make({ concurrentSessionLimit: 1, whenLimitReached: 'refuse' })
    const { sessions } = subject.client
    const first = await open(subject)
    const asked = { userId: subject.userId, client: PHONE }
    const refused = await sessions.open(asked)
    expect(refused).toEqual({
      ok: false,
      code: 'session_limit_reached',
      sessions: [{ ...first.session, current: false }],
    })
    const second = await sessions.open({ ...asked, endSessions: [first.session.id] })
    expect(second).toMatchObject({ ok: true, session: { address: PHONE.address } })
    expect(await sessions.check(first.token)).toMatchObject({ state: 'ended', reason: 'evicted' })
  })

  test('an opening with a key is done once, and is answered as it was', async () => {
    const subject = await make()
    const { sessions } = subject.client
    const asked = { userId: subject.userId, client: LAPTOP, idempotencyKey: 'order 1: /~{}' }
    const first = await sessions.open(asked)
    if (!first.ok) throw new Error(first.code)
    subject.advance(60)
    expect(await sessions.open(asked)).toEqual(first)
    await expect(sessions.open({ ...asked, client: PHONE })).rejects.toMatchObject({
      name: 'LatchkeyError',
      code: 'idempotency_key_reused',
    })
    const second = await sessions.open({ ...asked, idempotencyKey: 'order-2' })
    const list = await sessions.listOwn(first.token)
    expect(list.ok && list.sessions.map(({ id }) => id)).toEqual([second.ok && second.session.id, first.session.id])

    await sessions.end(first.token)
    expect(await sessions.open(asked)).toEqual(first)
    subject.advance(86_400 - 60)
    expect(await sessions.open(asked)).toMatchObject({ ok: true, session: { openedAt: now() } })
  })

  test('a key keeps a refusal that will stand, and none that is for now', async () => {
    const subject = await make({ concurrentSessionLimit: 1, whenLimitReached: 'refuse' })
    const { sessions } = subject.client
    const asked = { userId: subject.userId, client: LAPTOP }
    const mend = subject.breakDown()
    expect(await sessions.open({ ...asked, idempotencyKey: 'a' })).toMatchObject({ code: 'unavailable' })
    mend()
    const opened = await sessions.open({ ...asked, idempotencyKey: 'a' })
    if (!opened.ok) throw new Error(opened.code)
    const refused = await sessions.open({ ...asked, idempotencyKey: 'b' })
    expect(refused).toMatchObject({ ok: false, code: 'session_limit_reached' })
    await sessions.end(opened.token)
    expect(await sessions.open({ ...asked, idempotencyKey: 'b' })).toEqual(refused)
    expect(await sessions.open({ ...asked, idempotencyKey: 'c' })).toMatchObject({ ok: true })
  })

  test.each(['', 'x'.repeat(256), 'a "quoted" one', 'a back\\slash', 'a line\n', 'schlüssel'])(
    'a key that makes no sense is the application’s fault: %j',
    async (idempotencyKey) => {
      const { client, userId } = await make()
      await expect(client.sessions.open({ userId, client: LAPTOP, idempotencyKey })).rejects.toThrow(RangeError)
    },
  )

  test('there are sessions for active users alone', async () => {
    const subject = await make()
    const { sessions } = subject.client
    expect(await sessions.open({ userId: 'nobody', client: LAPTOP })).toEqual({ ok: false, code: 'user_not_found' })
    const { token } = await open(subject)
    await subject.disableUser()
    expect(await sessions.check(token)).toMatchObject({ state: 'ended', reason: 'user_disabled' })
    const refused = await sessions.open({ userId: subject.userId, client: LAPTOP })
    expect(refused).toEqual({ ok: false, code: 'user_disabled' })
  })

  test('a user sees the own sessions, newest first, with the clients’ addresses, and ends them', async () => {
    const subject = await make()
    const { sessions } = subject.client
    const opened = []
    for (let count = 0; count < 4; count += 1) {
      opened.push(await open(subject))
      subject.advance(1)
    }
    const [first, second, , last] = opened
    if (first === undefined || second === undefined || last === undefined) throw new Error('not opened')
    const list = await sessions.listOwn(first.token, { client: PHONE })
    if (!list.ok) throw new Error(list.code)
    expect(list.sessions.map(({ id }) => id)).toEqual(opened.map(({ session }) => session.id).reverse())
    expect(list.sessions.map(({ current }) => current)).toEqual([false, false, false, true])
    expect(list.sessions.map(({ address }) => address)).toEqual([...Array(3).fill(LAPTOP.address), PHONE.address])

    expect(await sessions.endOwn(first.token, second.session.id)).toEqual({ ok: true, ended: 1 })
    for (const id of [second.session.id, 'no-id', crypto.randomUUID()]) {
      expect(await sessions.endOwn(first.token, id)).toEqual({ ok: false, code: 'session_not_found' })
    }
    expect(await sessions.endOwn(first.token, 'others')).toEqual({ ok: true, ended: 2 })
    expect(await sessions.endOwn(first.token, 'others')).toEqual({ ok: true, ended: 0 })
    expect(await sessions.check(last.token)).toMatchObject({ state: 'ended', reason: 'revoked' })
    expect(await sessions.check(first.token)).toMatchObject({ state: 'active' })
  })

  test('a check names the client, unless it is only a look', async () => {
    const subject = await make()
    const { sessions } = subject.client
    const { token } = await open(subject)
    const looked = await sessions.check(token, { client: PHONE, touch: false })
    expect(looked).toMatchObject({ session: { address: LAPTOP.address } })
    expect(await sessions.check(token, { client: PHONE })).toMatchObject({ session: { address: PHONE.address } })
    expect(await sessions.check(token)).toMatchObject({ session: { address: PHONE.address } })
  })

  test('what cannot be asked is unavailable, never active', async () => {
    const subject = await make()
    const { sessions } = subject.client
    const { token } = await open(subject)
    const mend = subject.breakDown()
    expect(await sessions.check(token)).toEqual({ state: 'unavailable', retryAfterSeconds: expect.any(Number) })
    const unavailable = { ok: false, code: 'unavailable', retryAfterSeconds: expect.any(Number) }
    expect(await sessions.open({ userId: subject.userId, client: LAPTOP })).toEqual(unavailable)
    expect(await sessions.end(token)).toEqual(unavailable)
    expect(await sessions.listOwn(token)).toEqual(unavailable)
    expect(await sessions.endOwn(token, 'others')).toEqual(unavailable)
    mend()
    expect(await sessions.check(token)).toMatchObject({ state: 'active' })
  })

  test('an age that makes no sense is the application’s fault', async () => {
    const { sessions } = (await make()).client
    for (const maxAge of [-1, 61, 0.5, Number.NaN]) {
      await expect(sessions.check('token', { maxAge })).rejects.toThrow(RangeError)
    }
  })

  test('who gives up is told so by the own signal', async () => {
    const subject = await make()
    const { token } = await open(subject)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(subject.client.sessions.check(token, { signal })).rejects.toThrow('enough')
  })
})

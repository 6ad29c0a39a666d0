/** `/devices`: what a user sees of its own sessions, and how it ends them. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { END_SENTENCES } from '../../../src/domain/end-sentences.ts'
import type { EndReason } from '../../../src/domain/session.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { breakD1, breakUserObjects } from '../../support/faults.ts'
import { mirrored, userObject } from '../../support/objects.ts'
import { check, type RequestOptions, send, signIn, type TestSession, tokenInCookie } from '../../support/requests.ts'
import { makeBearer, makeUser } from '../../support/stores.ts'
import { newUser } from '../../support/users.ts'
import { workerWith } from '../../support/variants.ts'
import { devices, post, textOf } from './pages.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
const NO_SESSION = '01890000-0000-7000-8000-000000000000'
const MINUTE = 60
const DAY = 86_400
/** That default of the deployment variable. */
const FRESH_SECONDS = 15 * MINUTE
const ATTACK = `"><script>alert('x')</script>&amp;`

const status = async (session: TestSession) => (await check(session)).status
const cookieSession = (options: Parameters<typeof makeUser>[0] = {}) =>
  makeUser(options).then((user) => signIn(user, { transport: 'cookie' }))

async function recordOf(session: Pick<TestSession, 'id' | 'user'>) {
  await mirrored(session.user)
  return env.DB.prepare('SELECT end_reason, ended_by, end_request_id FROM sessions WHERE session_id = ?')
    .bind(session.id)
    .first()
}

describe('the page', () => {
  test('may be framed by nobody, kept by nobody, and has no script', async () => {
    const session = await cookieSession()
    const response = await devices(session)
    const { headers } = response
    expect([response.status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    // With no-referrer, browsers would send its forms with `Origin: null`.
    expect(headers.get('referrer-policy')).toBe('same-origin')
    const page = await response.text()
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? ''
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${Buffer.from(hash).toString('base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    )
    expect(page).not.toMatch(/<script|javascript:|\son\w+=|style=|<link|@import|url\(|https?:/i)
  })

  test('shows this device first and marked, then the others, each in words', async () => {
    const user = await makeUser({ config: { trackSessionLocation: true } })
    const cf = { city: 'Berlin', region: 'Berlin', country: 'DE' as const }
    await signIn(user, { userAgent: FIREFOX, cf })
    await signIn(user, { userAgent: IPHONE })
    const mine = await signIn(user, { transport: 'cookie' })
    const text = await textOf(await devices(mine))
    const [, current = '', others = ''] =
      /This device (.*) Other devices (.*) Ended in the last 28 days/.exec(text) ?? []
    expect(current).toMatch(
      /Chrome 140 on Windows This device Last active just now Signed in just now How With the password/,
    )
    expect(others).toMatch(/2 sessions end\. You stay signed in here\./)
    expect(others).toMatch(
      /Safari 18 on Apple iPhone Phone or tablet .* Firefox 130 on Linux Computer .* Place Berlin, Germany/,
    )
    expect(text).toContain(`Signed in as Test User · ${user.username}`)
  })

  test('says when there is nobody else, and when the last sign-in was', async () => {
    stopClock()
    const session = await cookieSession()
    const text = await textOf(await devices(session))
    expect(text).toContain('You are signed in nowhere else.')
    expect(text).not.toContain('Your last sign-in before')
    advanceClock(3 * DAY)
    const next = await signIn(session.user, { transport: 'cookie', userAgent: FIREFOX })
    await mirrored(session.user)
    expect(await textOf(await devices(next))).toContain(
      'Your last sign-in before this one: 3 days ago, Chrome 140 on Windows.',
    )
  })

  test('has the exact instant beside each relative one', async () => {
    const opened = stopClock(Date.UTC(2026, 10, 28, 12, 30, 5))
    const session = await cookieSession()
    advanceClock(2 * MINUTE + 59)
    expect(await (await devices(session)).text()).toContain(
      `<time datetime="${new Date(opened).toISOString()}" title="2026-11-28 12:30:05 UTC">2 minutes ago</time>`,
    )
  })

  test('comes in pages', async () => {
    const user = await newUser()
    const rules = await user.rules()
    const first = await user.open({ client: { address: null, userAgent: 'First/1.0' } }, rules)
    for (let time = 0; time < 50; time += 1) await user.open({}, rules)
    const mine = await signIn(user, { transport: 'cookie' })
    const page = await (await devices(mine)).text()
    expect(page.match(/id="s-/g)).toHaveLength(50)
    expect(page).not.toContain(first.id)
    const before = /\?before=([0-9a-f-]+)#others/.exec(page)?.[1]
    const next = await (await devices(mine, `?before=${before}`)).text()
    expect(next.match(/id="s-/g)).toHaveLength(1)
    expect(next).toContain(first.id)
    expect(next).toContain('This device')
    expect(next).not.toContain('?before=')
  })

  test('escapes what clients, places and people are called', async () => {
    const user = await makeUser({ config: { trackSessionLocation: true } })
    await env.DB.prepare('UPDATE users SET first_name = ?, last_name = ? WHERE user_id = ?')
      .bind(ATTACK, ATTACK, user.userId)
      .run()
    const cf = { city: ATTACK, region: ATTACK, country: ATTACK as 'DE' }
    const ended = await signIn(user, { userAgent: `Evil${ATTACK}/1.0 (${ATTACK})`, cf })
    await signIn(user, { userAgent: `Mozilla/5.0 (iPhone; ${ATTACK}) ${ATTACK}`, cf, address: ATTACK })
    await send('/sessions/current', { method: 'DELETE', bearer: ended.token })
    await mirrored(user)
    const mine = await signIn(user, { transport: 'cookie', userAgent: `${ATTACK}/1.0`, cf })
    const typed = encodeURIComponent(ATTACK)
    for (const query of ['', `?before=${typed}`, `?done=${typed}&ended=${typed}`]) {
      const response = await devices(mine, query, { userAgent: `${ATTACK}/1.0` })
      const page = await response.text()
      expect(response.status).toBe(200)
      expect(page).toContain('&lt;script&gt;')
      expect(page).not.toMatch(/<script|'x'/)
    }
    const refused = await post(mine, { act: 'end', session_id: ATTACK.slice(0, 60) })
    expect(await refused.text()).not.toMatch(/<script|'x'/)
  })

  test('goes on without D1: who is signed in is exact', async () => {
    const user = await makeUser()
    const other = await signIn(user, { userAgent: FIREFOX })
    const mine = await signIn(user, { transport: 'cookie' })
    breakD1()
    const text = await textOf(await devices(mine))
    expect(text).toContain('Firefox 130 on Linux')
    expect(text).toContain('What has ended cannot be shown just now.')
    expect((await post(mine, { act: 'not_me', session_id: other.id })).status).toBe(303)
    expect([await status(mine), await status(other)]).toEqual([200, 401])
  })
})

describe('without a live session', () => {
  test('the page is the sign-in form, which leads back here', async () => {
    const response = await send('/devices')
    expect([response.status, response.headers.get('location')]).toEqual([401, null])
    expect(await response.text()).toMatch(/action="\/sign-in\?return_to=http%3A%2F%2F127\.0\.0\.1%3A8787%2Fdevices"/)
  })

  test('it says why the session ended', async () => {
    const session = await cookieSession()
    const by = { caller: null, requestId: null }
    await userObject(session.user).end({ all: 'web' }, 'evicted', by)
    for (const response of [await devices(session), await post(session, { act: 'end_others' })]) {
      expect(response.status).toBe(401)
      expect(await textOf(response)).toContain(`Your session has ended. ${END_SENTENCES.evicted}`)
    }
  })
})

describe('what has ended', () => {
  const reasons = Object.keys(END_SENTENCES) as EndReason[]

  test.each(reasons)('is shown with its reason: %s', async (reason) => {
    const user = await newUser()
    const other = await user.open({ client: { address: '192.0.2.7', userAgent: FIREFOX } })
    await user.stub.end({ only: [other.id] }, reason, { caller: null, requestId: null })
    const mine = await signIn(user, { transport: 'cookie' })
    await mirrored(user)
    expect(await textOf(await devices(mine))).toContain(
      `Firefox 130 on Linux Ended just now. ${END_SENTENCES[reason]} Signed in just now, address 192.0.2.7`,
    )
  })

  test('is shown for 28 days, to its own user, and API logins are not', async () => {
    stopClock()
    const user = await newUser()
    const neighbour = await newUser({ identityStoreId: user.identityStoreId })
    const by = { caller: null, requestId: null }
    const long = await user.open()
    const old = await user.open()
    const api = await user.open({ kind: 'api', apiClientId: 'client' })
    const foreign = await neighbour.open()
    await user.stub.end({ only: [old.id, api.id] }, 'revoked', by)
    advanceClock(DAY)
    // Opened with the first, ended a day later, as the neighbour's is.
    await user.stub.end({ only: [long.id] }, 'revoked', by)
    await neighbour.stub.end({ only: [foreign.id] }, 'revoked', by)
    await mirrored(user)
    await mirrored(neighbour)
    advanceClock(27 * DAY + 1)
    const page = await (await devices(await signIn(user, { transport: 'cookie' }))).text()
    expect([long, old, api, foreign].map(({ id }) => page.includes(`e-${id}`))).toEqual([true, false, false, false])
  })

  test('comes in pages, and each looks at so many records and no more', async () => {
    const user = await newUser()
    const rules = await user.rules()
    const opened = []
    for (let time = 0; time < 21; time += 1) opened.push(await user.open({}, rules))
    await user.stub.end({ all: 'web' }, 'revoked', { caller: null, requestId: null })
    const mine = await signIn(user, { transport: 'cookie' })
    await mirrored(user)
    const page = await (await devices(mine)).text()
    expect(page.match(/id="e-/g)).toHaveLength(20)
    const before = /\?ended_before=([0-9a-f-]+)#ended/.exec(page)?.[1]
    const next = await (await devices(mine, `?ended_before=${before}`)).text()
    expect(next.match(/id="e-/g)).toHaveLength(1)
    expect(next).toContain(`e-${opened[0]?.id}`)
  })

  test('of many records that do not fit, the next page goes on where this one stopped', async () => {
    const user = await newUser()
    const first = await user.open()
    await user.stub.end({ all: 'web' }, 'revoked', { caller: null, requestId: null })
    await mirrored(user)
    // API logins, which are not shown: more than are looked at for a page.
    await env.DB.prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at,
          persistent, credentials_type, ended_at, end_reason)
        SELECT identity_store_id, user_id, '01ffffff-ffff-7000-8000-' || printf('%012d', value), number, version, 'api',
          opened_at, last_seen_at, persistent, credentials_type, ended_at, end_reason
        FROM sessions, (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 500)
          SELECT value FROM n) WHERE session_id = ?`,
    )
      .bind(first.id)
      .run()
    const mine = await signIn(user, { transport: 'cookie' })
    const page = await (await devices(mine)).text()
    expect(page).not.toContain(`e-${first.id}`)
    const before = /\?ended_before=([0-9a-f-]+)#ended/.exec(page)?.[1]
    expect(await (await devices(mine, `?ended_before=${before}`)).text()).toContain(`e-${first.id}`)
  })
})

describe('ending', () => {
  test('one other ends that one, on record, and leads back to the page', async () => {
    const user = await makeUser()
    const [other, third] = [await signIn(user), await signIn(user)]
    const mine = await signIn(user, { transport: 'cookie' })
    const response = await post(mine, { act: 'end', session_id: other.id })
    expect([response.status, response.headers.get('location')]).toEqual([303, '/devices?done=end&ended=1'])
    expect(await Promise.all([mine, other, third].map(status))).toEqual([200, 401, 200])
    expect(await recordOf(other)).toEqual({
      end_reason: 'revoked',
      ended_by: `session:${mine.id}`,
      end_request_id: response.headers.get('x-request-id'),
    })
    expect(await textOf(await devices(mine, '?done=end&ended=1'))).toContain('The session has ended.')
  })

  test('all others leaves this one', async () => {
    const user = await makeUser()
    const others = [await signIn(user), await signIn(user)]
    const stranger = await signIn(await makeUser({ identityStoreId: user.identityStoreId }))
    const mine = await signIn(user, { transport: 'cookie' })
    const response = await post(mine, { act: 'end_others' })
    expect(response.headers.get('location')).toBe('/devices?done=end_others&ended=2')
    expect(await Promise.all([mine, ...others, stranger].map(status))).toEqual([200, 401, 401, 200])
    const text = await textOf(await devices(mine, '?done=end_others&ended=2'))
    expect(text).toContain('2 sessions have ended. You are signed in here only.')
  })

  test.each(['live', 'ended', 'unknown'])(
    '“this was not me” of a session that is %s ends all others and says what to do',
    async (which) => {
      const user = await makeUser()
      const [other, third] = [await signIn(user), await signIn(user)]
      const mine = await signIn(user, { transport: 'cookie' })
      if (which === 'ended') await send('/sessions/current', { method: 'DELETE', bearer: other.token })
      const response = await post(mine, { act: 'not_me', session_id: which === 'unknown' ? NO_SESSION : other.id })
      expect(response.status).toBe(303)
      expect([await status(mine), await status(third)]).toEqual([200, 401])
      const text = await textOf(await devices(mine, response.headers.get('location')?.slice('/devices'.length)))
      expect(text).toContain('Change your password')
      const event = env.DB.prepare(
        'SELECT actor, action, subject, after, request_id FROM audit_events WHERE identity_store_id = ?',
      )
      expect(await event.bind(user.identityStoreId).first()).toEqual({
        actor: `user:${user.userId}`,
        action: 'session.disowned',
        subject: `user:${user.userId}`,
        after: JSON.stringify({ session_id: which === 'unknown' ? NO_SESSION : other.id }),
        request_id: response.headers.get('x-request-id'),
      })
    },
  )

  test('one that is foreign, unknown, ended, an API login, this one, or no id at all, ends none: alike', async () => {
    const user = await newUser()
    const neighbour = await signIn(await makeUser({ identityStoreId: user.identityStoreId }))
    const gone = await user.open()
    await user.stub.end({ only: [gone.id] }, 'revoked', { caller: null, requestId: null })
    const api = await user.open({ kind: 'api', apiClientId: 'client' })
    const mine = await signIn(user, { transport: 'cookie' })
    const pages = new Set<string>()
    for (const id of [neighbour.id, NO_SESSION, gone.id, api.id, mine.id, 'x', '%00', '']) {
      const response = await post(mine, { act: 'end', session_id: id })
      expect([id, response.status]).toEqual([id, 404])
      pages.add((await textOf(response)).split('Ended in the last')[0] ?? '')
    }
    expect(pages.size).toBe(1)
    expect([...pages][0]).toContain('You have no such session.')
    expect([await status(mine), await status(neighbour)]).toEqual([200, 200])
    expect(await user.reasons([api])).toEqual(['alive'])
  })

  test.each([{}, { act: 'all' }, { act: 'end', session_id: 'x'.repeat(65) }])('is refused with %j', async (form) => {
    const session = await cookieSession()
    const response = await post(session, form as Record<string, string>)
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
  })

  const foreign: [string, RequestOptions][] = [
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['Origin: null', { origin: 'null' }],
    ['a sister site', { origin: null, headers: { 'sec-fetch-site': 'same-site' } }],
    ['no origin at all', { origin: null }],
  ]
  test.each(foreign)('by a form of %s does nothing', async (_from, options) => {
    const user = await makeUser()
    const other = await signIn(user)
    const mine = await signIn(user, { transport: 'cookie' })
    for (const form of [
      { act: 'end', session_id: other.id },
      { act: 'end_others' },
      { act: 'not_me', session_id: other.id },
    ]) {
      const response = await post(mine, form, options)
      expect([response.status, response.headers.getSetCookie()]).toEqual([403, []])
      expect(await textOf(response)).toContain('page of another site')
    }
    const out = await send('/sign-out', { method: 'POST', cookie: mine.token, form: {}, ...options })
    expect([out.status, out.headers.getSetCookie()]).toEqual([403, []])
    expect([await status(mine), await status(other)]).toEqual([200, 200])
  })
})

describe('a sign-in that is too old', () => {
  async function stale(options: Parameters<typeof makeUser>[0] = {}) {
    stopClock()
    const user = await makeUser(options)
    const other = await signIn(user)
    const mine = await signIn(user, { transport: 'cookie' })
    advanceClock(FRESH_SECONDS + 1)
    return { user, other, mine }
  }

  test('is one of before the configured age, to the second', async () => {
    stopClock()
    const user = await makeUser()
    const mine = await signIn(user, { transport: 'cookie' })
    advanceClock(FRESH_SECONDS)
    expect((await post(mine, { act: 'end_others' })).status).toBe(303)
    advanceClock(1)
    expect((await post(mine, { act: 'end_others' })).status).toBe(403)
    const generous = workerWith({ FRESH_SIGN_IN_SECONDS: '3600' })
    expect((await generous.send('/devices', { cookie: mine.token, form: { act: 'end_others' } })).status).toBe(303)
  })

  test.each(['end', 'end_others', 'not_me'])(
    'is asked for again before %s, on the same page, and then it is done',
    async (act) => {
      const { user, other, mine } = await stale()
      const form = { act, session_id: other.id }
      const asked = await post(mine, form)
      expect([asked.status, await status(other)]).toEqual([403, 200])
      const page = await asked.text()
      expect(page).toContain('Sign in again to go on')
      expect(page).toContain('This device')
      for (const [name, value] of Object.entries({ ...form, username: user.username })) {
        expect(page).toMatch(new RegExp(`name="${name}" value="${value}"`))
      }
      const { username, password } = user
      const done = await post(mine, { ...form, username, password })
      expect([done.status, done.headers.get('location')]).toEqual([303, `/devices?done=${act}&ended=1`])
      const token = tokenInCookie(done)
      expect(token).not.toBeNull()
      // The new session is in the place of the old one, whose end says so.
      expect(await recordOf(mine)).toMatchObject({ end_reason: 'replaced' })
      const anew = { ...mine, token: token ?? '' }
      expect([await status(mine), await status(other), await status(anew)]).toEqual([401, 401, 200])
      expect((await post(anew, { act: 'end_others' })).status).toBe(303)
    },
  )

  test('keeps what the cookie was, and is known as a device', async () => {
    const user = await makeUser({ config: { allowPersistentSessions: true } })
    stopClock()
    const mine = await signIn(user, { transport: 'cookie', persistent: true })
    advanceClock(FRESH_SECONDS + 1)
    const { username, password } = user
    const done = await post(mine, { act: 'end_others', username, password })
    const [cookie, device] = done.headers.getSetCookie()
    expect(cookie).toMatch(/^sessionid=.*Max-Age=\d+/)
    expect(device).toMatch(/^latchkey_device=/)
  })

  test('that was renewed stays so where the end fails then', async () => {
    const { user, other, mine } = await stale()
    const { username, password } = user
    const fault = breakUserObjects({ only: (call) => call.to === 'USERS' && call.method === 'endOwn' })
    const response = await post(mine, { act: 'end_others', username, password })
    expect(response.status).toBe(503)
    fault.repair()
    const anew = { ...mine, token: tokenInCookie(response) ?? '' }
    expect([await status(mine), await status(other), await status(anew)]).toEqual([401, 200, 200])
  })

  test('is not made good by a wrong password, nor by somebody else’s', async () => {
    const { user, other, mine } = await stale()
    const neighbour = await makeUser({ identityStoreId: user.identityStoreId })
    for (const { username, password } of [{ ...user, password: 'wrong' }, neighbour]) {
      const response = await post(mine, { act: 'end_others', username, password })
      expect([response.status, response.headers.getSetCookie()]).toEqual([401, []])
      const text = await textOf(response)
      expect(text).toContain('The user name or the password is wrong')
    }
    expect([await status(mine), await status(other)]).toEqual([200, 200])
  })

  test('is locked out like any other', async () => {
    const { user, mine } = await stale()
    const { username, address } = user
    for (let time = 0; time < 5; time += 1)
      await post(mine, { act: 'end_others', username, password: 'wrong' }, { address })
    const response = await post(mine, { act: 'end_others', username, password: user.password }, { address })
    expect([response.status, response.headers.has('retry-after')]).toEqual([429, true])
    expect(await textOf(response)).toContain('There were too many wrong passwords. Wait for 15 minutes')
  })

  test('cannot be renewed here by who has no password, and that is said', async () => {
    stopClock()
    const user = await newUser({ loginMode: 'SSO_LOGIN_DEDICATED', password: null })
    const session = await signInByOther(user)
    advanceClock(FRESH_SECONDS + 1)
    const response = await post(session, { act: 'end_others' })
    expect(response.status).toBe(403)
    const page = await response.text()
    expect(page).toContain('You do not sign in with a password here')
    expect(page).not.toContain('type="password"')
  })

  test('does not hinder signing out', async () => {
    const { mine } = await stale()
    const response = await send('/sign-out', { method: 'POST', cookie: mine.token, form: {} })
    expect([response.status, response.headers.get('location')]).toEqual([303, '/sign-in?done=signed_out'])
    expect(response.headers.getSetCookie()).toEqual(['sessionid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'])
    expect(await status(mine)).toBe(401)
    expect(await recordOf(mine)).toMatchObject({ end_reason: 'logout' })
  })
})

/** A session that a back end has opened. */
async function signInByOther(user: Awaited<ReturnType<typeof newUser>>): Promise<TestSession> {
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client: { address: user.address, user_agent: FIREFOX } }
  const response = await send('/sessions', { bearer, json })
  const { id, token } = (await response.json()) as { id: string; token: string }
  return { id, token, user }
}

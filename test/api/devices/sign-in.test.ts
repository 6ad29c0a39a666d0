/** `/sign-in` and `/sign-out`, and where they lead on to. */
import { describe, expect, test } from 'vitest'
import { END_SENTENCES } from '../../../src/domain/end-sentences.ts'
import { userObject } from '../../support/objects.ts'
import {
  check,
  ORIGIN,
  type RequestOptions,
  send,
  signIn,
  type TestSession,
  tokenInCookie,
} from '../../support/requests.ts'
import { makeUser, type TestUser } from '../../support/stores.ts'
import { newUser } from '../../support/users.ts'
import { workerWith } from '../../support/variants.ts'
import { textOf } from './pages.ts'

const APP = 'https://app.pie.example'
const variant = workerWith({ ALLOWED_ORIGINS: `${APP},capacitor://localhost` })
const form = ({ username, password }: TestUser) => ({ username, password })
const status = async (session: TestSession) => (await check(session)).status

function submit(user: TestUser, query = '', options: RequestOptions = {}): Promise<Response> {
  return variant.send(`/sign-in${query}`, { address: user.address, form: form(user), ...options })
}

describe('signing in by the form', () => {
  test('opens a session with the own API’s cookie, and leads to the devices', async () => {
    const user = await makeUser()
    const response = await submit(user)
    expect([response.status, response.headers.get('location')]).toEqual([303, '/devices'])
    const [cookie, device] = response.headers.getSetCookie()
    expect(cookie).toMatch(/^sessionid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(device).toMatch(/^latchkey_device=/)
    const token = tokenInCookie(response) ?? ''
    expect((await send('/sessions/current', { cookie: token })).status).toBe(200)
  })

  test('is for longer than the browser runs where that is asked for, and allowed', async () => {
    for (const [allowPersistentSessions, expected] of [
      [true, /Max-Age=\d+/],
      [false, /^(?!.*Max-Age)/],
    ] as const) {
      const user = await makeUser({ config: { allowPersistentSessions } })
      const response = await submit(user, '', { form: { ...form(user), persistent: 'on' } })
      expect(response.headers.getSetCookie()[0]).toMatch(expected)
    }
  })

  test('ends the session that the browser came with', async () => {
    const user = await makeUser()
    const before = await signIn(user, { transport: 'cookie' })
    expect((await submit(user, '', { cookie: before.token })).status).toBe(303)
    expect(await (await check(before)).json()).toMatchObject({ reason: 'replaced' })
  })

  test('says in words that it did not work, and never which of the two was wrong', async () => {
    const user = await makeUser()
    const said = new Set<string>()
    for (const { username, password } of [
      { ...user, password: 'not-this' },
      { username: 'nobody', password: 'not-this' },
      await makeUser({ active: false }),
    ]) {
      const response = await send('/sign-in', { form: { username, password } })
      expect([response.status, response.headers.getSetCookie()]).toEqual([401, []])
      const page = await response.text()
      expect(page).toContain(`value="${username}"`)
      expect(page).not.toContain(password)
      said.add(page.replaceAll(username, ''))
    }
    expect(said.size).toBe(1)
    expect([...said][0]).toContain('The user name or the password is wrong')
  })

  test('counts and locks as the own API does', async () => {
    const user = await makeUser()
    const wrong = { ...form(user), password: 'wrong' }
    for (let time = 0; time < 5; time += 1) await submit(user, '', { form: wrong })
    const response = await submit(user)
    expect([response.status, response.headers.has('retry-after')]).toEqual([429, true])
    expect((await send('/sessions', { address: user.address, json: form(user) })).status).toBe(429)
  })

  test('at a limit that refuses asks which session is to end', async () => {
    const user = await newUser({ config: { concurrentSessionLimit: 1, whenLimitReached: 'refuse' } })
    const other = await signIn(user)
    const asked = await submit(user)
    expect(asked.status).toBe(409)
    expect(await asked.text()).toContain(`type="checkbox" name="${other.id}"`)
    expect((await submit(user, '', { form: { ...form(user), [other.id]: 'on' } })).status).toBe(303)
    expect(await (await check(other)).json()).toMatchObject({ reason: 'evicted' })
  })

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: null },
    { origin: null, headers: { 'sec-fetch-site': 'cross-site' } },
  ] as RequestOptions[])('from a foreign page, as %j, is refused', async (options) => {
    const response = await submit(await makeUser(), '', options)
    expect([response.status, response.headers.getSetCookie()]).toEqual([403, []])
  })

  test('escapes what was typed', async () => {
    const username = `"><script>alert('x')</script>`
    const page = await (await send('/sign-in', { form: { username, password: 'x' } })).text()
    expect(page).toContain('&quot;&gt;&lt;script&gt;')
    expect(page).not.toContain('<script')
  })
})

describe('where it leads on to', () => {
  const own = (path: string) => `${ORIGIN}${path}`
  test.each([
    ['/app?x=1#top', own('/app?x=1#top')],
    ['app', own('/app')],
    [own('/devices'), own('/devices')],
    [`${APP}/home?x=1`, `${APP}/home?x=1`],
    // As browsers read it, this path is `//evil.example`: whole, it stays here.
    ['/.//evil.example', own('//evil.example')],
  ])('%s is gone on to', async (asked, location) => {
    const query = `?return_to=${encodeURIComponent(asked)}`
    const page = await variant.send(`/sign-in${query}`)
    const origin = new URL(location).origin
    expect(page.headers.get('content-security-policy')).toContain(
      origin === ORIGIN ? "form-action 'self';" : `form-action 'self' ${origin};`,
    )
    const action = /action="([^"]+)"/.exec(await page.text())?.[1] ?? ''
    const response = await submit(await makeUser(), action.slice('/sign-in'.length))
    expect([response.status, response.headers.get('location')]).toEqual([303, location])
  })

  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,x',
    'capacitor://localhost/x',
    `${APP}.evil.example/`,
    `${APP}:444/`,
    `http://app.pie.example/`,
    `${APP}@evil.example/`,
    'https://',
    `${APP}/${'x'.repeat(2_048)}`,
  ])('%s is not', async (asked) => {
    const query = `?return_to=${encodeURIComponent(asked)}`
    const page = await variant.send(`/sign-in${query}`)
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self';")
    expect(await page.text()).not.toMatch(/evil|alert|capacitor|app\.pie/)
    const response = await submit(await makeUser(), query)
    expect([response.status, response.headers.get('location')]).toEqual([303, '/devices'])
  })

  test('who is signed in already is told so, and not sent on', async () => {
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    const response = await variant.send(`/sign-in?return_to=${APP}/`, { cookie: session.token })
    expect([response.status, response.headers.get('location')]).toEqual([200, null])
    const page = await response.text()
    expect(page).toContain('You are signed in already.')
    expect(page).toContain(`<a href="${APP}/">`)
  })
})

describe('the page', () => {
  test.each(['expired', 'idle', 'evicted', 'revoked', 'user_disabled', 'password_changed'] as const)(
    'says why the session ended: %s',
    async (reason) => {
      const session = await signIn(await makeUser(), { transport: 'cookie' })
      await userObject(session.user).end({ all: 'web' }, reason, { caller: null, requestId: null })
      const response = await send('/sign-in', { cookie: session.token })
      expect(response.status).toBe(200)
      expect(await textOf(response)).toContain(`Your session has ended. ${END_SENTENCES[reason]}`)
    },
  )

  test('after a sign-out says no more than that', async () => {
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    const out = await send('/sign-out', { method: 'POST', cookie: session.token, form: {} })
    expect(await status(session)).toBe(401)
    for (const options of [{}, { cookie: session.token }]) {
      const text = await textOf(await send(out.headers.get('location') ?? '', options))
      expect(text).toContain('You are signed out.')
      expect(text).not.toContain('has ended')
    }
  })

  test('to look at it is not the user’s activity', async () => {
    const user = await makeUser()
    const session = await signIn(user, { transport: 'cookie' })
    await send('/sign-in', { cookie: session.token, address: '203.0.113.5' })
    const body = (await (await check(session, { bearer: session.token })).json()) as { address: string }
    expect(body.address).toBe(user.address)
  })
})

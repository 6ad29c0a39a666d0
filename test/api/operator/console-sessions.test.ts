/** Operators' console sessions: a token for a cookie, and what ends one. */
import { env } from 'cloudflare:workers'
import { and, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { NO_STORE } from '../../../src/domain/ids.ts'
import { credentials, sessions } from '../../../src/store/schema.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { mirrored } from '../../support/objects.ts'
import { ORIGIN, type RequestOptions, send, signIn } from '../../support/requests.ts'
import { db, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'
import { operate, read } from './operator.ts'

const COOKIE = /^latchkey-operator=([^;]*)/
const CURRENT = '/operator/console-sessions/current'
const MINUTE = 60
const HOUR = 60 * MINUTE

/** A browser in which an operator has signed in. */
async function browser(bearer: string) {
  const opened = await send('/operator/console-sessions', { method: 'POST', bearer })
  expect(opened.status).toBe(201)
  const body = (await opened.json()) as { session_id: string; credential_id: string }
  return inBrowser(tokenIn(opened), body.session_id, body.credential_id, bearer)
}

function inBrowser(token: string, sessionId: string, credentialId: string, bearer: string) {
  const headers = { cookie: `latchkey-operator=${token}`, 'latchkey-console': '1' }
  const ask = (path: string, options: RequestOptions = {}) =>
    send(path, { origin: ORIGIN, ...options, headers: { ...headers, ...options.headers } })
  return {
    token,
    sessionId,
    credentialId,
    bearer,
    owner: { identityStoreId: NO_STORE, userId: credentialId },
    ask,
    status: async (path = CURRENT) => (await ask(path)).status,
    /** The same browser after the token was shown again. */
    async confirmed() {
      const answer = await ask(`${CURRENT}/confirm`, { method: 'POST', bearer })
      expect(answer.status).toBe(200)
      const body = (await answer.json()) as { session_id: string }
      return inBrowser(tokenIn(answer), body.session_id, credentialId, bearer)
    },
  }
}

function tokenIn(response: Response): string {
  return COOKIE.exec(response.headers.getSetCookie()[0] ?? '')?.[1] ?? ''
}

const operatorSession = async (options: Parameters<typeof makeOperator>[0] = {}) => browser(await makeOperator(options))
const code = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code]
const recordOf = async (sessionId: string) =>
  (
    await db
      .select()
      .from(sessions)
      .where(and(eq(sessions.identityStoreId, '*'), eq(sessions.sessionId, sessionId)))
  )[0]

describe('a console session', () => {
  test('is a cookie for a token, that no script and no other site can use', async () => {
    const bearer = await makeOperator()
    const opened = await send('/operator/console-sessions', { method: 'POST', bearer })
    expect(opened.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^latchkey-operator=[\w-]{148}; Path=\/; HttpOnly; SameSite=Strict$/),
    ])
    expect(opened.headers.get('cache-control')).toBe('no-store')
    expect(await opened.text()).not.toContain(tokenIn(opened))
    const secure = await send('https://latchkey.example/operator/console-sessions', { method: 'POST', bearer })
    expect(secure.headers.getSetCookie()[0]).toMatch(
      /^__Host-latchkey-operator=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    const unprefixed = { headers: { cookie: `latchkey-operator=${tokenIn(opened)}` } }
    expect((await send(`https://latchkey.example${CURRENT}`, unprefixed)).status).toBe(401)
  })

  test('may do what its credential may, and says so', async () => {
    const own = await makeStore()
    const console = await operatorSession({ scopes: ['operator:read'], limitedStoreIds: [own] })
    expect(await (await console.ask(CURRENT)).json()).toMatchObject({
      actor: `credential:${console.credentialId}`,
      credential_id: console.credentialId,
      user_id: null,
      scopes: ['operator:read'],
      limited_store_ids: [own],
      session_id: console.sessionId,
    })
    expect(await console.status(`/operator/identity-stores/${own}`)).toBe(200)
    expect(await console.status(`/operator/identity-stores/${await makeStore()}`)).toBe(404)
    expect((await console.ask(`/operator/identity-stores/${own}`, { method: 'DELETE' })).status).toBe(403)
  })

  test('acts under the name of its credential', async () => {
    const console = await operatorSession()
    const id = await makeStore()
    expect(
      (await console.ask(`/operator/identity-stores/${id}`, { method: 'PATCH', json: { name: 'x' } })).status,
    ).toBe(200)
    const { body } = await operate(`/identity-stores/${id}/audit-events`)
    expect(body.audit_events[0]).toMatchObject({ actor: `credential:${console.credentialId}`, after: { name: 'x' } })
  })

  test('is listed, and ended by another operator, on record', async () => {
    const console = await operatorSession()
    await mirrored(console.owner)
    const listed = await operate('/console-sessions?limit=1000')
    expect(listed.body.console_sessions).toContainEqual(
      expect.objectContaining({
        session_id: console.sessionId,
        credential_id: console.credentialId,
        current: false,
        browser: 'Chrome 140.0.0.0',
      }),
    )
    expect(listed.text).not.toContain(console.token)
    const path = `/console-sessions/${console.sessionId}`
    expect((await operate(path, { method: 'DELETE' })).status).toBe(204)
    expect(await code(await console.ask(CURRENT))).toEqual([401, 'session_ended'])
    expect((await operate(path, { method: 'DELETE' })).status).toBe(204)
    const events = await operate('/audit-events')
    const about = events.body.audit_events.filter(
      ({ subject }: { subject: string }) => subject === `console_session:${console.sessionId}`,
    )
    expect(about.map(({ action }: { action: string }) => action)).toEqual([
      'console_session.ended',
      'console_session.ended',
      'console_session.opened',
    ])
    const unknown = '/console-sessions/0190163d-8694-7396-a0b9-000000000000'
    expect((await operate(unknown, { method: 'DELETE' })).status).toBe(404)
  })

  test('ends with the sign-out, which only it can do', async () => {
    const console = await operatorSession()
    const out = await console.ask(CURRENT, { method: 'DELETE' })
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([
      204,
      expect.stringContaining('latchkey-operator=; Max-Age=0'),
    ])
    expect(await console.status()).toBe(401)
    await mirrored(console.owner)
    expect(await recordOf(console.sessionId)).toMatchObject({ kind: 'operator', endReason: 'logout' })
    expect((await operate('/console-sessions/current', { method: 'DELETE' })).status).toBe(404)
  })

  test('takes the place of the one that the browser had', async () => {
    const before = await operatorSession()
    expect(
      (await before.ask('/operator/console-sessions', { method: 'POST', bearer: await makeOperator() })).status,
    ).toBe(201)
    expect(await before.status()).toBe(401)
  })
})

describe('what needs a fresh proof', () => {
  const make = { method: 'POST', json: { name: 'x', scopes: ['operator:read'] } }

  test('is to send events to another URL, as it is to make an endpoint; the rest of one is not', async () => {
    stopClock()
    const console = await operatorSession()
    const endpoints = `/operator/identity-stores/${await makeStore()}/event-endpoints`
    const json = { kind: 'webhook', url: 'https://hooks.example.com/one' }
    const made = await read(await console.ask(endpoints, { method: 'POST', json }))
    const change = (fields: object) =>
      console.ask(`${endpoints}/${made.body.endpoint_id}`, { method: 'PATCH', json: fields })
    advanceClock(5 * MINUTE)
    expect(await code(await change({ url: 'https://hooks.example.com/two' }))).toEqual([403, 'confirmation_needed'])
    expect((await change({ description: 'Warehouse' })).status).toBe(200)
  })

  test('wants the token again after five minutes, which is good for five more', async () => {
    stopClock()
    const console = await operatorSession()
    expect((await console.ask('/operator/credentials', make)).status).toBe(201)
    advanceClock(5 * MINUTE)
    const refused = await console.ask('/operator/credentials', make)
    expect(await code(refused)).toEqual([403, 'confirmation_needed'])
    expect(await console.status('/operator/credentials')).toBe(200)
    const again = await console.confirmed()
    expect((await again.ask('/operator/credentials', make)).status).toBe(201)
    expect(await console.status()).toBe(401)
    expect((await operate('/credentials', { ...make, bearer: console.bearer })).status).toBe(201)
  })

  test('takes no other token', async () => {
    const console = await operatorSession()
    const path = `${CURRENT}/confirm`
    const foreign = await console.ask(path, { method: 'POST', bearer: await makeOperator() })
    expect(await code(foreign)).toEqual([403, 'forbidden'])
    expect((await console.ask(path, { method: 'POST' })).status).toBe(401)
    expect((await send(path, { method: 'POST', bearer: console.bearer })).status).toBe(401)
    const fromElsewhere = { method: 'POST', bearer: console.bearer, origin: 'https://evil.example' }
    expect((await console.ask(path, fromElsewhere)).status).toBe(403)
    expect(await console.status()).toBe(200)
  })

  test('wants an administrator to have signed in just now', async () => {
    const user = await makeUser({ role: 'owner' })
    const { token } = await signIn(user)
    const who = await read(await send(CURRENT, { bearer: token }))
    expect(who.body).toMatchObject({ actor: `user:${user.userId}`, user_id: user.userId, credential_id: null })
    expect(Date.parse(who.body.confirmed_until)).toBe(Date.parse(who.body.opened_at) + 300_000)
    const ask = async (filter: object) =>
      code(
        await send(`/operator/identity-stores/${user.identityStoreId}/sessions/end`, {
          method: 'POST',
          bearer: token,
          json: { filter, expected: 1_000 },
        }),
      )
    stopClock()
    advanceClock(5 * MINUTE)
    // All of the store, but not some of it.
    expect(await ask({})).toEqual([403, 'confirmation_needed'])
    expect((await ask({ country: 'BE' }))[0]).toBe(202)
    advanceClock(-5 * MINUTE)
    expect((await ask({}))[0]).toBe(202)
  })
})

describe('a console session dies', () => {
  test('of inactivity, to the second; a page that polls keeps it not awake', async () => {
    stopClock()
    const console = await operatorSession()
    advanceClock(30 * MINUTE - 1)
    expect(await console.status()).toBe(200)
    advanceClock(30 * MINUTE - 1)
    expect((await console.ask(CURRENT, { headers: { 'latchkey-console': 'poll' } })).status).toBe(200)
    advanceClock(1)
    expect(await (await console.ask(CURRENT)).json()).toMatchObject({ code: 'session_ended', reason: 'idle' })
  })

  test('of age, however it is used', async () => {
    stopClock()
    const console = await operatorSession()
    for (let minutes = 0; minutes < 8 * 60 - 20; minutes += 20) {
      advanceClock(20 * MINUTE)
      expect(await console.status()).toBe(200)
    }
    advanceClock(20 * MINUTE)
    expect(await (await console.ask(CURRENT)).json()).toMatchObject({ code: 'session_ended', reason: 'expired' })
  })

  test('with its credential, at once and on record', async () => {
    const console = await operatorSession()
    const path = `/credentials/${console.credentialId}`
    expect((await operate(path, { method: 'DELETE' })).status).toBe(204)
    await mirrored(console.owner)
    expect(await recordOf(console.sessionId)).toMatchObject({
      endReason: 'revoked',
      endedBy: expect.stringMatching(/^credential:/),
    })
    expect(await (await console.ask(CURRENT)).json()).toMatchObject({ code: 'session_ended', reason: 'revoked' })
  })

  test('with its credential also where D1 alone knows of that', async () => {
    stopClock()
    const [revoked, expired] = [await operatorSession(), await operatorSession()]
    const row = ({ credentialId }: { credentialId: string }) => eq(credentials.credentialId, credentialId)
    await db.update(credentials).set({ revokedAt: Date.now() }).where(row(revoked))
    await db
      .update(credentials)
      .set({ expiresAt: Date.now() + HOUR })
      .where(row(expired))
    expect(await code(await revoked.ask(CURRENT))).toEqual([401, 'session_ended'])
    const until = await (await expired.ask(CURRENT)).json()
    expect(until).toMatchObject({ expires_at: new Date(Date.now() + HOUR).toISOString() })
    await mirrored(expired.owner)
    const listed = (await operate('/console-sessions')).body.console_sessions as { session_id: string }[]
    expect(listed.find(({ session_id: id }) => id === expired.sessionId)).toMatchObject({
      expires_at: new Date(Date.now() + HOUR).toISOString(),
    })
    advanceClock(HOUR / 1000)
    expect(await code(await expired.ask(CURRENT))).toEqual([401, 'session_ended'])
    for (const { owner, sessionId } of [revoked, expired]) {
      await mirrored(owner)
      expect((await recordOf(sessionId))?.endedAt).toBe(
        sessionId === revoked.sessionId ? Date.now() - HOUR : Date.now(),
      )
    }
  })

  test('when every old secret of its credential ends', async () => {
    const console = await operatorSession()
    const rotate = (seconds: number) =>
      operate(`/credentials/${console.credentialId}/rotate`, { json: { overlap_seconds: seconds } })
    expect((await rotate(60)).status).toBe(200)
    expect(await console.status()).toBe(200)
    expect((await rotate(0)).status).toBe(200)
    expect(await console.status()).toBe(401)
  })

  test('not, but does nothing, where its credential may not be used', async () => {
    const console = await operatorSession({ addressAllowList: ['192.0.2.1'] }).catch(() => null)
    expect(console).toBeNull()
    const bearer = await makeOperator({ addressAllowList: ['192.0.2.1'] })
    const opened = await send('/operator/console-sessions', { method: 'POST', bearer, address: '192.0.2.1' })
    const headers = { cookie: `latchkey-operator=${tokenIn(opened)}` }
    expect(await code(await send(CURRENT, { headers }))).toEqual([403, 'address_not_allowed'])
    expect((await send(CURRENT, { headers, address: '192.0.2.1' })).status).toBe(200)
  })
})

describe('nobody gets in', () => {
  test.each([
    ['another site', { origin: 'https://evil.example' }],
    ['a sibling of the host', { origin: 'https://app.latchkey.example' }],
    ['the same host on another port', { origin: 'http://127.0.0.1:9999' }],
    ['a page of an application', { origin: 'capacitor://localhost' }],
    ['a sandboxed page', { origin: 'null' }],
    ['nobody knows where', { origin: null }],
    ['a page of the service that does not mean it', { headers: { 'latchkey-console': '' } }],
  ] as const)('by a request that the browser sends for %s', async (_who, options) => {
    const console = await operatorSession()
    const id = await makeStore()
    const patch = { method: 'PATCH', json: { name: 'forged' }, ...options }
    expect(await code(await console.ask(`/operator/identity-stores/${id}`, patch))).toEqual([403, 'origin_not_allowed'])
    const { body } = await operate(`/identity-stores/${id}`)
    expect(body.name).toBe(id)
  })

  test('from a page of a customer, which may use the session cookie', async () => {
    const page = 'https://app.example'
    const worker = workerWith({ ALLOWED_ORIGINS: page })
    const ask = async (cookie: string, method: string, path: string) => {
      const headers = { cookie, 'latchkey-console': '1' }
      const json = method === 'GET' ? {} : { json: {} }
      return (await worker.send(path, { method, origin: page, headers, ...json })).status
    }
    const user = await makeUser({ role: 'owner' })
    const preview = `/operator/identity-stores/${user.identityStoreId}/session-config/preview`
    const [console, administrator] = [await operatorSession(), await signIn(user, { transport: 'cookie' })]
    for (const [method, path] of [
      ['GET', CURRENT],
      ['POST', preview],
    ] as const) {
      expect(await ask(`latchkey-operator=${console.token}`, method, path)).toBe(403)
      expect(await ask(`sessionid=${administrator.token}`, method, path)).not.toBe(403)
    }
  })

  test('by a token of another kind in the cookie, nor by this one elsewhere', async () => {
    const console = await operatorSession()
    const web = await signIn(await makeUser({ role: 'owner' }))
    const inCookie = { headers: { cookie: `latchkey-operator=${web.token}` } }
    expect(await code(await send(CURRENT, inCookie))).toEqual([401, 'wrong_token_kind'])
    expect(await code(await send(CURRENT, { bearer: console.token }))).toEqual([401, 'wrong_token_kind'])
    for (const options of [{ bearer: console.token }, { cookie: console.token }]) {
      expect(await code(await send('/sessions/current', options))).toEqual([401, 'wrong_token_kind'])
    }
    const { token } = console
    const forged = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    for (const cookie of [forged, console.bearer, '']) {
      expect((await send(CURRENT, { headers: { cookie: `latchkey-operator=${cookie}` } })).status).toBe(401)
    }
  })

  test('by two cookies of the name', async () => {
    const [one, two] = [await operatorSession(), await operatorSession()]
    const headers = { cookie: `latchkey-operator=${one.token}; latchkey-operator=${two.token}` }
    expect((await send(CURRENT, { headers })).status).toBe(401)
  })

  test('by a session that never was put on record', async () => {
    const bearer = await makeOperator({ scopes: ['sessions:open'] })
    expect((await send('/operator/console-sessions', { method: 'POST', bearer })).status).toBe(403)
    const byPage = { method: 'POST', bearer: await makeOperator(), origin: 'https://evil.example' }
    expect((await send('/operator/console-sessions', byPage)).status).toBe(403)
    const { results } = await env.DB.prepare(
      "SELECT 1 FROM sessions WHERE kind = 'operator' AND ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM audit_events WHERE subject = 'console_session:' || session_id)",
    ).all()
    expect(results).toEqual([])
  })
})

describe('a code', () => {
  const CODES = '/operator/console-sessions/codes'
  const BY_CODE = '/operator/console-sessions/by-code'
  const redeem = (text: string, origin = ORIGIN) => send(BY_CODE, { method: 'POST', origin, json: { code: text } })
  async function makeCode(bearer: string): Promise<string> {
    const made = await send(CODES, { method: 'POST', bearer })
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    return ((await made.json()) as { code: string }).code
  }

  test('opens one session, which may do all but what needs a fresh proof', async () => {
    const bearer = await makeOperator()
    const made = await makeCode(bearer)
    const [first, second] = await Promise.all([redeem(made), redeem(made)])
    expect([first.status, second.status].sort()).toEqual([201, 401])
    const opened = first.ok ? first : second
    const body = (await opened.json()) as { session_id: string; credential_id: string }
    const operator = inBrowser(tokenIn(opened), body.session_id, body.credential_id, bearer)
    expect(await operator.status('/operator/identity-stores')).toBe(200)
    const identityStoreId = await makeStore()
    const credential = { kind: 'bearer', name: 'another', scopes: [] }
    const make = (by: typeof operator) =>
      by.ask(`/operator/identity-stores/${identityStoreId}/credentials`, { method: 'POST', json: credential })
    expect(await code(await make(operator))).toEqual([403, 'confirmation_needed'])
    expect(await code(await operator.ask(CODES, { method: 'POST' }))).toEqual([401, 'unauthenticated'])
    expect((await make(await operator.confirmed())).status).toBe(201)
  })

  test('is of no use after five minutes, from a foreign page, or once its credential is', async () => {
    const bearer = await makeOperator()
    const kept = await makeCode(bearer)
    expect(await code(await redeem(kept, 'https://evil.example'))).toEqual([403, 'origin_not_allowed'])
    stopClock()
    const late = await makeCode(bearer)
    advanceClock(5 * MINUTE)
    expect(await code(await redeem(late))).toEqual([401, 'unauthenticated'])
    const { credentialId } = await browser(bearer)
    const next = await makeCode(bearer)
    const rotate = `/operator/credentials/${credentialId}/rotate`
    expect((await send(rotate, { method: 'POST', bearer, json: { overlap_seconds: 0 } })).status).toBe(200)
    expect(await code(await redeem(next))).toEqual([401, 'unauthenticated'])
  })
})

import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { breakUserObjects } from '../../support/faults.ts'
import { mirrored } from '../../support/objects.ts'
import { check, type RequestOptions, send, signIn } from '../../support/requests.ts'
import { makeApiClient, makeBearer, makeStore, makeUser } from '../../support/stores.ts'
import { readToken, tokenRing } from '../../support/variants.ts'
import { revoke } from './ends.ts'

const SCOPES = ['sessions:introspect', 'sessions:revoke'] as const

const introspect = (token: string, options: RequestOptions) =>
  send('/oauth2/introspect', { form: { token }, ...options })

async function setUp(options: Parameters<typeof makeUser>[0] = {}) {
  const session = await signIn(await makeUser(options))
  return { session, bearer: await makeBearer(session.user.identityStoreId, SCOPES) }
}

function basic(id: string, secret: string): RequestOptions {
  const encoded = btoa([id, secret].map(encodeURIComponent).join(':'))
  return { headers: { authorization: `Basic ${encoded}` } }
}

describe('introspection', () => {
  test('tells who is behind a live token, and until when', async () => {
    stopClock(Math.ceil(Date.now() / 1000) * 1000)
    const { session, bearer } = await setUp({ config: { sessionMinutes: 60, useInactivityBasedLogout: true } })
    const opened = Date.now() / 1000
    const response = await introspect(session.token, { bearer })
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toEqual({
      active: true,
      token_type: 'Bearer',
      sub: session.user.userId,
      sid: session.id,
      identity_store_id: session.user.identityStoreId,
      iat: opened,
      auth_time: opened,
      exp: opened + 900,
    })
  })

  test('is no activity of the user unless asked for, and none of its client', async () => {
    stopClock()
    const { session, bearer } = await setUp({ config: { useInactivityBasedLogout: true } })
    advanceClock(600)
    await introspect(session.token, { bearer })
    expect(await (await check(session)).json()).toMatchObject({ address: session.user.address })
    advanceClock(600)
    await send('/oauth2/introspect', { bearer, form: { token: session.token, touch: 'true' } })
    advanceClock(899)
    expect(await (await introspect(session.token, { bearer })).json()).toMatchObject({ active: true })
    advanceClock(1)
    expect(await (await introspect(session.token, { bearer })).json()).toEqual({ active: false })
  })

  test('may be answered from memory, and says so', async () => {
    stopClock()
    const { session, bearer } = await setUp()
    const headers = { 'cache-control': 'max-age=30' }
    expect((await introspect(session.token, { bearer, headers })).headers.get('age')).toBe('0')
    advanceClock(5)
    const counts = countCalls()
    const response = await introspect(session.token, { bearer, headers })
    expect(response.headers.get('age')).toBe('5')
    expect(await response.json()).toMatchObject({ active: true, sid: session.id })
    expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 1 })
    await revoke(session)
    expect(await (await introspect(session.token, { bearer, headers })).json()).toEqual({ active: false })
  })

  test('says no more than inactive of what is ended, foreign or no token', async () => {
    const { session, bearer } = await setUp()
    const elsewhere = await signIn(await makeUser())
    await revoke(session)
    for (const token of [session.token, elsewhere.token, 'x', 'A'.repeat(148), 'x'.repeat(4_096)]) {
      const response = await introspect(token, { bearer })
      expect([response.status, await response.json()]).toEqual([200, { active: false }])
    }
    expect((await check(elsewhere)).status).toBe(200)
  })

  test('ignores a hint, refuses parameters that it does not know or that come twice', async () => {
    const { session, bearer } = await setUp()
    const post = (body: string) =>
      send('/oauth2/introspect', { bearer, body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    const { token } = session
    expect(await (await post(`token=${token}&token_type_hint=refresh_token`)).json()).toMatchObject({ active: true })
    for (const body of [
      `token=${token}&token=${token}`,
      `token=${token}&other=1`,
      `token=`,
      ``,
      `token=${token}&touch=1`,
    ]) {
      const response = await post(body)
      expect([body, response.status]).toEqual([body, 400])
      expect(await response.json()).toMatchObject({ code: 'invalid_request', error: 'invalid_request', errors: [{}] })
    }
    expect((await send('/oauth2/introspect', { bearer, json: { token } })).status).toBe(415)
    expect((await send('/oauth2/introspect?token=x', { bearer })).status).toBe(405)
  })
})

describe('a revocation', () => {
  test('ends the session at once, says who did it, and may be repeated', async () => {
    const { session, bearer } = await setUp()
    const response = await send('/oauth2/revoke', { bearer, form: { token: session.token } })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await (await check(session)).json()).toMatchObject({ reason: 'revoked' })
    expect((await send('/oauth2/revoke', { bearer, form: { token: session.token } })).status).toBe(200)
    await mirrored(session.user)
    const row = env.DB.prepare('SELECT ended_by, end_request_id FROM sessions WHERE session_id = ?').bind(session.id)
    expect(await row.first()).toEqual({
      ended_by: expect.stringMatching(/^credential:/),
      end_request_id: response.headers.get('x-request-id'),
    })
  })

  test('of no token of ours is done already', async () => {
    const { bearer } = await setUp()
    for (const token of ['x', 'A'.repeat(148)]) {
      expect((await send('/oauth2/revoke', { bearer, form: { token } })).status).toBe(200)
    }
  })

  test('that nobody can do now is to be asked for again', async () => {
    const { session, bearer } = await setUp()
    const objects = breakUserObjects()
    const response = await send('/oauth2/revoke', { bearer, form: { token: session.token } })
    objects.repair()
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await check(session)).status).toBe(200)
  })

  test('of a token that lives on is refused: of another store, or of an API session', async () => {
    const { session, bearer } = await setUp()
    const elsewhere = await signIn(await makeUser())
    const refused = await send('/oauth2/revoke', { bearer, form: { token: elsewhere.token } })
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ code: 'forbidden', error: 'unauthorized_client' })
    expect((await check(elsewhere)).status).toBe(200)

    const token = await tokenRing(1).sign({ ...(await readToken(session.token)), kind: 'api' })
    const wrongKind = await send('/oauth2/revoke', { bearer, form: { token } })
    expect(wrongKind.status).toBe(400)
    expect(await wrongKind.json()).toMatchObject({ error: 'unsupported_token_type', errors: [{ field: 'token' }] })
    expect((await check(session)).status).toBe(200)
  })
})

for (const path of ['/oauth2/introspect', '/oauth2/revoke'] as const) {
  describe(`who may call ${path}:`, () => {
    test('an API client by HTTP Basic', async () => {
      const { session } = await setUp()
      const { clientId, clientSecret } = await makeApiClient(session.user.identityStoreId, SCOPES)
      const response = await send(path, { form: { token: session.token }, ...basic(clientId, clientSecret) })
      expect(response.status).toBe(200)
      if (path === '/oauth2/introspect') expect(await response.json()).toMatchObject({ active: true })
      else expect((await check(session)).status).toBe(401)
    })

    test('nobody without a good credential', async () => {
      const { session, bearer } = await setUp()
      const { identityStoreId } = session.user
      const { clientId, clientSecret } = await makeApiClient(identityStoreId, SCOPES)
      const expired = await makeBearer(identityStoreId, SCOPES, { expiresAt: Date.now() - 1 })
      const revoked = await makeBearer(identityStoreId, SCOPES, { revokedAt: Date.now() - 1 })
      const callers: [RequestOptions, string][] = [
        [{}, 'unauthenticated'],
        [{ bearer: session.token }, 'wrong_token_kind'],
        [{ cookie: session.token }, 'unauthenticated'],
        [{ bearer: `${bearer.slice(0, -1)}x` }, 'unauthenticated'],
        [{ bearer: expired }, 'credential_expired'],
        [{ bearer: revoked }, 'credential_revoked'],
        [basic(clientId, `${clientSecret}x`), 'unauthenticated'],
        [basic('nobody', clientSecret), 'unauthenticated'],
        [{ headers: { authorization: 'Basic !' } }, 'unauthenticated'],
        [{ headers: { authorization: `Basic ${btoa('%zz:%zz')}` } }, 'unauthenticated'],
        [{ headers: { authorization: `Basic ${btoa('no colon')}` } }, 'unauthenticated'],
      ]
      for (const [options, code] of callers) {
        const response = await send(path, { form: { token: session.token }, ...options })
        expect([options, response.status]).toEqual([options, 401])
        expect(response.headers.get('www-authenticate')).toBe('Basic realm="latchkey", Bearer realm="latchkey"')
        expect(await response.json()).toMatchObject({ code, error: 'invalid_client' })
      }
      expect((await check(session)).status).toBe(200)
    })

    test('nobody without the scope, or from a foreign address', async () => {
      const { session } = await setUp()
      const { identityStoreId } = session.user
      const other = path === '/oauth2/introspect' ? 'sessions:revoke' : 'sessions:introspect'
      const unscoped = await makeBearer(identityStoreId, [other, 'sessions:open'])
      const bound = await makeBearer(identityStoreId, SCOPES, { addressAllowList: ['192.0.2.0/24'] })
      for (const [bearer, code] of [
        [unscoped, 'forbidden'],
        [bound, 'address_not_allowed'],
      ] as const) {
        const response = await send(path, { bearer, form: { token: session.token }, address: '198.51.100.1' })
        expect(response.status).toBe(403)
        expect(await response.json()).toMatchObject({ code, error: 'unauthorized_client' })
      }
      const near = { bearer: bound, form: { token: session.token }, address: '192.0.2.77' }
      expect((await send(path, near)).status).toBe(200)
    })
  })
}

test('a credential of another store learns nothing and ends nothing', async () => {
  const { session } = await setUp()
  const bearer = await makeBearer(await makeStore(), SCOPES)
  expect(await (await introspect(session.token, { bearer })).json()).toEqual({ active: false })
  await send('/oauth2/revoke', { bearer, form: { token: session.token } })
  expect((await check(session)).status).toBe(200)
})

/** What OpenID providers say has ended: what ends by it, what does not, and what is refused. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { breakD1, breakStoreJobs, breakUserObjects } from '../../support/faults.ts'
import { fireJobAlarm, mirrored, mirroredByAlarm, rowsOf, storeJobs, userObject } from '../../support/objects.ts'
import { send, signIn } from '../../support/requests.ts'
import { makeOperator, type TestUser } from '../../support/stores.ts'
import { EVENT, endOf, TestProvider } from './logout-support.ts'

let provider: TestProvider

beforeEach(async () => {
  provider = await TestProvider.make()
})

/** A user who is signed in as a subject, in a session of the provider. */
async function signedIn(sub: string, sid?: string) {
  const user = await provider.makeUser()
  const token = await provider.signIn(user, { sub, ...(sid && { sid }) })
  await mirrored(user)
  return { user, token }
}

describe('a logout token', () => {
  test('with sid ends the sessions of that session of the provider, whoever has how many, and no other', async () => {
    const { user, token } = await signedIn('alice', 'first')
    const other = await provider.signIn(user, { sub: 'alice', sid: 'second' })
    const again = await provider.signIn(user, { sub: 'alice', sid: 'first' })
    const byPassword = await signIn(user)
    const bystander = await signedIn('bob', 'third')
    await mirrored(user)
    await provider.logOut({ sid: 'first' })
    expect(await Promise.all([token, again, other, byPassword.token, bystander.token].map(endOf))).toEqual([
      'idp_logout',
      'idp_logout',
      null,
      null,
      null,
    ])
    await provider.logOut({ sub: 'alice', sid: 'second' })
    expect(await endOf(other)).toBe('idp_logout')
    expect(await endOf(byPassword.token)).toBeNull()
  })

  test('with sub alone ends all that the provider has opened for the subject, not what a password has', async () => {
    const { user, token } = await signedIn('alice', 'first')
    const other = await provider.signIn(user, { sub: 'alice' })
    const byPassword = await signIn(user)
    const bystander = await signedIn('bob', 'third')
    await provider.logOut({ sub: 'alice' })
    expect(await Promise.all([token, other, byPassword.token, bystander.token].map(endOf))).toEqual([
      'idp_logout',
      'idp_logout',
      null,
      null,
    ])
  })

  test('that names nobody here is taken too', async () => {
    const { token } = await signedIn('alice', 'first')
    await provider.logOut({ sub: 'nobody' })
    await provider.logOut({ sid: 'nothing' })
    expect(await endOf(token)).toBeNull()
  })

  test.each([
    ['of no type', {}],
    ['of the type JWT', { typ: 'JWT' }],
    ['of its whole media type', { typ: 'application/logout+jwt' }],
  ])('%s is taken', async (_what, header) => {
    const { token } = await signedIn('alice', 'first')
    const response = await provider.send(await provider.logoutToken({ sid: 'first' }, header))
    expect(response.status).toBe(200)
    expect(await endOf(token)).toBe('idp_logout')
  })

  test.each([
    ['without an expiry', { exp: undefined }],
    ['for others too', { aud: ['somebody else', 'latchkey'] }],
    ['with more events than ours', { events: { [EVENT]: {}, revoke_offline_access: true } }],
    ['from a clock that is a little ahead', { iat: Math.floor(Date.now() / 1000) + 20 }],
  ])('%s is taken', async (_what, claims) => {
    const { token } = await signedIn('alice', 'first')
    await provider.logOut({ sid: 'first', ...claims })
    expect(await endOf(token)).toBe('idp_logout')
  })

  test('ends sessions of before the provider was noted, by the subject of their user', async () => {
    const { user, token } = await signedIn('alice', 'first')
    await rowsOf(user, 'UPDATE sessions SET openid = NULL')
    await env.DB.prepare('UPDATE sessions SET openid_sid = NULL WHERE user_id = ?').bind(user.userId).run()
    await forget(user)
    await provider.logOut({ sid: 'first' })
    expect(await endOf(token)).toBeNull()
    await provider.logOut({ sub: 'alice', sid: 'first' })
    expect(await endOf(token)).toBe('idp_logout')
  })

  test('does not end what is opened later, though it is worked off late', async () => {
    stopClock()
    const { user, token } = await signedIn('alice', 'first')
    const objects = breakUserObjects()
    await provider.logOut({ sub: 'alice' })
    expect(objects.hits).toBeGreaterThan(0)
    objects.repair()
    advanceClock(60)
    const later = await provider.signIn(user, { sub: 'alice', sid: 'second' })
    await fireJobAlarm(provider.identityStoreId)
    expect(await Promise.all([token, later].map(endOf))).toEqual(['idp_logout', null])
  })

  test('ends a session that D1 did not know of, as soon as it does', async () => {
    stopClock()
    const user = await provider.makeUser()
    await provider.signIn(user, { sub: 'alice', sid: 'before' })
    await mirrored(user)
    const unreachable = breakD1({ only: (call) => call.to === 'D1' && call.statements.some(isMirror) })
    const token = await provider.signIn(user, { sub: 'alice', sid: 'first' })
    await provider.logOut({ sid: 'first' })
    expect(await endOf(token)).toBeNull()
    unreachable.repair()
    await mirroredByAlarm(user)
    advanceClock(31)
    await fireJobAlarm(provider.identityStoreId)
    expect(await endOf(token)).toBe('idp_logout')
    expect(await storeJobs(provider.identityStoreId).list()).toEqual([])
  })
})

const isMirror = (text: string) => text.startsWith('insert into "sessions"')

/** What an object has in memory is gone. */
async function forget(user: TestUser): Promise<void> {
  await evictDurableObject(userObject(user))
}

/** A token that must not be taken: nothing ends by it. */
async function expectRefused(token: string, says: string | RegExp, session: string): Promise<void> {
  const response = await provider.send(token)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const body = await response.json()
  expect([response.status, body]).toEqual([
    400,
    { error: 'invalid_request', error_description: expect.stringMatching(says) },
  ])
  expect(await endOf(session)).toBeNull()
  expect(await storeJobs(provider.identityStoreId).list()).toEqual([])
}

const NOT_SIGNED = /^It is not signed by this identity store's OpenID provider\.$/

describe('is refused, and nothing ends: a token', () => {
  const second = () => Math.floor(Date.now() / 1000)

  test.each([
    ['without an issuer', () => ({ iss: undefined }), NOT_SIGNED],
    ['of another issuer', () => ({ iss: 'https://elsewhere.example' }), NOT_SIGNED],
    ['of an issuer with a slash more', () => ({ iss: `${provider.issuer}/` }), NOT_SIGNED],
    ['without an audience', () => ({ aud: undefined }), /^aud: /],
    ['for another audience', () => ({ aud: 'somebody else' }), /^aud: /],
    ['for other audiences', () => ({ aud: ['somebody', 'else'] }), /^aud: /],
    ['without a time', () => ({ iat: undefined }), /^iat: /],
    ['with a time that is a text', () => ({ iat: String(second()) }), /^iat: /],
    ['of the future', () => ({ iat: second() + 60 }), /^iat: /],
    ['that has expired', () => ({ iat: second() - 200, exp: second() - 60 }), /^exp: /],
    ['with an expiry that is a text', () => ({ exp: 'never' }), /^exp: /],
    ['too old, and without an expiry', () => ({ iat: second() - 200, exp: undefined }), /^exp: /],
    ['too old, whatever it says', () => ({ iat: second() - 4_000, exp: second() + 4_000 }), /^exp: /],
    ['without an id', () => ({ jti: undefined }), /^jti: /],
    ['with an empty id', () => ({ jti: '' }), /^jti: /],
    ['with an id that is a number', () => ({ jti: 7 }), /^jti: /],
    ['without events', () => ({ events: undefined }), /^events: /],
    ['with events in a list', () => ({ events: [EVENT] }), /^events: /],
    ['with another event', () => ({ events: { [`${EVENT}s`]: {} } }), /^events: /],
    ['with an event that is no object', () => ({ events: { [EVENT]: true } }), /^events: /],
    ['with a nonce', () => ({ nonce: 'a nonce of the browser' }), /^nonce: /],
    ['with a nonce that is null', () => ({ nonce: null }), /^nonce: /],
    ['of neither a subject nor a session', () => ({ sub: undefined, sid: undefined }), /neither sub nor sid/],
    ['with a subject that is null', () => ({ sub: null }), /^sub: /],
    ['with an empty session', () => ({ sid: '' }), /^sid: /],
    ['with sessions in a list', () => ({ sid: ['first'] }), /^sid: /],
    ['with half a character', () => ({ sub: 'alice\ud800' }), /half a character/],
    ['with the session of another subject', () => ({ sub: 'bob' }), /^sub: /],
  ] as const)('%s', async (_what, claims, says) => {
    const { token } = await signedIn('alice', 'first')
    const all = { ...provider.logoutClaims({ sub: 'alice', sid: 'first' }), ...claims() }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    await expectRefused(await provider.sign(given), says, token)
  })

  test.each(['at+jwt', 'secevent+jwt', 'dpop+jwt', '', 7])('of the type %j', async (typ) => {
    const { token } = await signedIn('alice', 'first')
    await expectRefused(await provider.logoutToken({ sid: 'first' }, { typ }), /^typ: |not signed/, token)
  })

  test('that is an ID token of the very session', async () => {
    const { token } = await signedIn('alice', 'first')
    const now = second()
    const claims = { iss: provider.issuer, aud: 'latchkey', sub: 'alice', sid: 'first', iat: now, exp: now + 60 }
    await expectRefused(await provider.sign({ ...claims, nonce: 'a nonce of the browser' }), /^jti: /, token)
  })

  test('that nobody has signed', async () => {
    const { token } = await signedIn('alice', 'first')
    const claims = provider.logoutClaims({ sid: 'first' })
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'None', 'nOnE', '', undefined, null]) {
      await expectRefused(`${part({ alg, kid: 'one' })}.${part(claims)}.`, NOT_SIGNED, token)
    }
  })

  test('that another key has signed, also one that the token brings along', async () => {
    const { token } = await signedIn('alice', 'first')
    const other = await generateKeyPair('ES256')
    const claims = provider.logoutClaims({ sid: 'first' })
    await expectRefused(await provider.sign(claims, {}, other.privateKey), NOT_SIGNED, token)
    await expectRefused(await provider.sign(claims, { kid: 'two' }, other.privateKey), NOT_SIGNED, token)
    const jwk = await exportJWK(other.publicKey)
    await expectRefused(await provider.sign(claims, { jwk }, other.privateKey), NOT_SIGNED, token)
  })

  test('that is signed with a shared secret: the public key, or the client secret', async () => {
    const { token } = await signedIn('alice', 'first')
    const [pair] = [...provider.keys.values()]
    if (pair === undefined) throw new Error('no key')
    const jwk = await exportJWK(pair.publicKey)
    for (const secret of [JSON.stringify(jwk), String(jwk.x), 'a secret of the client']) {
      const key = await importJWK({ kty: 'oct', k: Buffer.from(secret).toString('base64url') }, 'HS256')
      const signed = new SignJWT(provider.logoutClaims({ sid: 'first' })).setProtectedHeader({
        alg: 'HS256',
        kid: 'one',
      })
      await expectRefused(await signed.sign(key), NOT_SIGNED, token)
    }
  })

  test('that was changed on the way, or is none', async () => {
    const { token } = await signedIn('alice', 'first')
    const good = await provider.logoutToken({ sid: 'first' })
    const [header = '', payload = '', signature = ''] = good.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'alice' })).toString('base64url')
    for (const text of [
      `${header}.${changed}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.x.y`,
      `${header}.bm90IEpTT04.${signature}`,
      'a.b.c',
      '..',
      '{}',
      ' ',
    ]) {
      await expectRefused(text, NOT_SIGNED, token)
    }
  })

  test('of the provider of another store', async () => {
    const { token } = await signedIn('alice', 'first')
    const own = provider
    provider = await TestProvider.make()
    const foreign = await provider.logoutToken({ sid: 'first' })
    provider = own
    await expectRefused(foreign, NOT_SIGNED, token)
  })

  test('that came before, whatever it named then', async () => {
    const { user, token } = await signedIn('alice', 'first')
    const jti = crypto.randomUUID()
    const sent = await provider.logoutToken({ sub: 'alice', jti })
    expect((await provider.send(sent)).status).toBe(200)
    expect(await endOf(token)).toBe('idp_logout')
    const later = await provider.signIn(user, { sub: 'alice', sid: 'first' })
    for (const text of [sent, await provider.logoutToken({ sid: 'first', jti })]) {
      const again = await provider.send(text)
      expect([again.status, await again.json()]).toEqual([
        400,
        { error: 'invalid_request', error_description: 'jti: the token came before.' },
      ])
    }
    expect(await endOf(later)).toBeNull()
  })

  test('of a store without a provider, and of none', async () => {
    const sent = await provider.logoutToken({ sub: 'alice' })
    await env.DB.prepare('DELETE FROM openid_providers WHERE identity_store_id = ?')
      .bind(provider.identityStoreId)
      .run()
    for (const path of [provider.identityStoreId, 'no-such-store', '%00']) {
      const response = await send(`/oauth2/backchannel-logout/${path}`, { form: { logout_token: sent } })
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: 'invalid_request', error_description: expect.stringMatching(NOT_SIGNED) },
      ])
    }
  })
})

test('a token is remembered for as long as it is good, and no longer', async () => {
  stopClock()
  const { token } = await signedIn('alice', 'first')
  const remembered = async () => {
    return runInDurableObject(
      storeJobs(provider.identityStoreId),
      (_object, { storage: { sql } }) => sql.exec('SELECT * FROM seen_tokens').toArray().length,
    )
  }
  await provider.logOut({ sub: 'alice' })
  expect(await endOf(token)).toBe('idp_logout')
  expect(await remembered()).toBe(1)
  advanceClock(149)
  await provider.logOut({ sub: 'nobody' })
  expect(await remembered()).toBe(2)
  advanceClock(150)
  await provider.logOut({ sub: 'nobody' })
  expect(await remembered()).toBe(2)
})

describe('a request', () => {
  test.each([
    ['without a token', { form: { token: 'x' } }],
    ['with an empty one', { form: { logout_token: '' } }],
    ['without a body', { method: 'POST' }],
    ['with JSON', { json: { logout_token: 'x' } }],
    ['with two tokens', { body: 'logout_token=a&logout_token=b', headers: FORM() }],
    ['with no UTF-8', { body: new Uint8Array([0xff, 0xfe]), headers: FORM() }],
    ['of 100 kB', { form: { logout_token: 'x'.repeat(100_000) } }],
  ])('%s is refused in the words of the standard', async (_what, options) => {
    const response = await send(`/oauth2/backchannel-logout/${provider.identityStoreId}`, {
      method: 'POST',
      ...options,
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: expect.any(String) },
    ])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(provider.asked).toEqual([])
  })

  test('may have more parameters, and comes with POST alone', async () => {
    const { token } = await signedIn('alice', 'first')
    const logoutToken = await provider.logoutToken({ sid: 'first' })
    const path = `/oauth2/backchannel-logout/${provider.identityStoreId}`
    expect((await send(path)).status).toBe(405)
    const response = await send(path, {
      form: { logout_token: logoutToken, more: 'x' },
      origin: 'https://elsewhere.example',
    })
    expect(response.status).toBe(200)
    expect(await endOf(token)).toBe('idp_logout')
  })

  test('of somebody who sends too many is stopped before anything is looked at', async () => {
    const gate = vi.spyOn(env.LOGOUT_GATE, 'limit').mockResolvedValue({ success: false })
    const response = await provider.send(await provider.logoutToken({ sub: 'alice' }))
    expect([response.status, await response.json()]).toEqual([
      429,
      { error: 'temporarily_unavailable', error_description: expect.any(String) },
    ])
    expect(response.headers.get('retry-after')).toBe('60')
    expect(provider.asked).toEqual([])
    gate.mockRestore()
  })
})

describe('the keys of the provider', () => {
  const fetched = () => provider.asked.filter((path) => path === '/jwks').length

  test('are kept, and asked for again where one is new, but not by every token that names another', async () => {
    stopClock()
    const { user } = await signedIn('alice', 'first')
    const atSignIn = fetched()
    for (let times = 0; times < 3; times += 1) await provider.logOut({ sub: 'nobody' })
    expect(fetched()).toBe(atSignIn + 1)
    advanceClock(31)
    const token = await provider.signIn(user, { sub: 'alice', sid: 'second' })
    await provider.rotate('two')
    const before = fetched()
    await provider.logOut({ sub: 'alice' })
    expect(fetched()).toBe(before + 1)
    expect(await endOf(token)).toBe('idp_logout')
    for (let times = 0; times < 5; times += 1) {
      const unknown = await provider.logoutToken({ sub: 'alice' }, { kid: `${times}` })
      expect((await provider.send(unknown)).status).toBe(400)
    }
    expect(fetched()).toBe(before + 1)
    advanceClock(31)
    expect((await provider.send(await provider.logoutToken({ sub: 'alice' }, { kid: 'x' }))).status).toBe(400)
    expect(fetched()).toBe(before + 2)
  })

  test('of tokens that are of another issuer, or signed by nobody: no keys are asked for', async () => {
    await provider.send(await provider.logoutToken({ iss: 'https://elsewhere.example', sub: 'nobody' }))
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    await provider.send(`${part({ alg: 'none' })}.${part(provider.logoutClaims({ sub: 'nobody' }))}.`)
    expect(provider.asked).toEqual([])
  })

  test('are asked for once, however many tokens come at the same time', async () => {
    const tokens = await Promise.all(Array.from({ length: 8 }, () => provider.logoutToken({ sub: 'nobody' })))
    const answers = await Promise.all(tokens.map((token) => provider.send(token)))
    expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200))
    expect(fetched()).toBe(1)
  })

  test.each([
    ['fail', () => Promise.reject(new Error('network connection lost'))],
    ['are an error', () => new Response(null, { status: 500 })],
    ['are somewhere else', () => Response.redirect('https://elsewhere.example/jwks', 302)],
    ['are none', () => Response.json({ keys: 'none' })],
    ['are too many', () => Response.json({ keys: [], more: 'x'.repeat(200_000) })],
  ])('%s: the provider is to send again, and is not asked at once', async (_what, answer) => {
    stopClock()
    provider.instead.set('/jwks', answer)
    for (let times = 0; times < 3; times += 1) {
      const response = await provider.send(await provider.logoutToken({ sub: 'nobody' }))
      expect([response.status, await response.json()]).toEqual([
        503,
        { error: 'temporarily_unavailable', error_description: expect.any(String) },
      ])
      expect(response.headers.get('retry-after')).toBe('5')
    }
    expect(fetched()).toBe(1)
    provider.instead.clear()
    advanceClock(6)
    await provider.logOut({ sub: 'nobody' })
  })
})

describe('what keeps a logout from being done', () => {
  test.each([
    ['D1', () => breakD1()],
    ['the object of the store', () => breakStoreJobs()],
  ])('%s out of reach: the provider is to send the very token again', async (_what, fault) => {
    const { token } = await signedIn('alice', 'first')
    const sent = await provider.logoutToken({ sid: 'first' })
    const ongoing = fault()
    const refused = await provider.send(sent)
    expect([refused.status, await refused.json()]).toEqual([
      503,
      { error: 'temporarily_unavailable', error_description: expect.any(String) },
    ])
    expect(ongoing.hits).toBeGreaterThan(0)
    ongoing.repair()
    expect(await endOf(token)).toBeNull()
    expect((await provider.send(sent)).status).toBe(200)
    expect(await endOf(token)).toBe('idp_logout')
  })

  test('after it was accepted: it is done all the same', async () => {
    stopClock()
    const { token } = await signedIn('alice', 'first')
    // The second call is the one that would do it at once.
    let calls = 0
    const jobs = breakStoreJobs({
      only: () => {
        calls += 1
        return calls > 1
      },
    })
    await provider.logOut({ sid: 'first' })
    expect(jobs.hits).toBe(1)
    jobs.repair()
    expect(await endOf(token)).toBeNull()
    advanceClock(11)
    await fireJobAlarm(provider.identityStoreId)
    expect(await endOf(token)).toBe('idp_logout')
  })

  test.each([
    ['the object of the user', () => breakUserObjects()],
    ['the audit log', () => breakD1({ only: (call) => call.to === 'D1' && call.statements.some(isAudit) })],
  ])('%s out of reach: it is accepted, and done later', async (_what, fault) => {
    stopClock()
    const { token } = await signedIn('alice', 'first')
    const ongoing = fault()
    await provider.logOut({ sub: 'alice', sid: 'first' })
    expect(ongoing.hits).toBeGreaterThan(0)
    ongoing.repair()
    expect(await endOf(token)).toBeNull()
    advanceClock(5)
    await fireJobAlarm(provider.identityStoreId)
    expect(await endOf(token)).toBe('idp_logout')
  })
})

const isAudit = (text: string) => text.startsWith('insert into "audit_events"')

test('each end is on record, with the provider as the actor, and is told with its reason', async () => {
  const { user, token } = await signedIn('alice', 'first')
  const bearer = await makeOperator()
  const base = `/operator/identity-stores/${provider.identityStoreId}`
  await send(`${base}/events`, { method: 'PUT', bearer, json: { enabled: true } })
  await provider.logOut({ sid: 'first' })
  expect(await endOf(token)).toBe('idp_logout')
  await mirrored(user)
  const actor = `openid_provider:${provider.issuer}`
  const page = await (await send(`${base}/audit-events?actor=${encodeURIComponent(actor)}`, { bearer })).json()
  expect(page).toMatchObject({
    audit_events: [
      {
        actor,
        action: 'sessions.ended',
        subject: `user:${user.userId}`,
        after: { reason: 'idp_logout', session_ids: [expect.any(String)] },
      },
    ],
  })
  const ended = await (await send(`${base}/sessions?state=ended`, { bearer })).json()
  expect(ended).toMatchObject({
    sessions: [
      {
        user_id: user.userId,
        end_reason: 'idp_logout',
        end_sentence: 'The user was signed out at the sign-in provider.',
        ended_by: actor,
      },
    ],
  })
  const told = await (await send(`${base}/events`, { bearer })).json()
  expect(told).toMatchObject({
    events: [{ type: 'session.ended', data: { reason: 'idp_logout', ended_by: actor, user_id: user.userId } }],
  })
})

test('who was erased leaves no trace of the provider', async () => {
  const { user } = await signedIn('alice', 'first')
  const path = `/operator/identity-stores/${provider.identityStoreId}/users/${user.userId}`
  expect((await send(path, { method: 'DELETE', bearer: await makeOperator() })).status).toBe(204)
  await mirrored(user)
  const { results } = await env.DB.prepare('SELECT openid_subject, openid_sid FROM sessions WHERE user_id = ?')
    .bind(user.userId)
    .all()
  expect(results).toEqual([{ openid_subject: null, openid_sid: null }])
})

function FORM() {
  return { 'content-type': 'application/x-www-form-urlencoded' }
}

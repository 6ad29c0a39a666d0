/** OpenID Connect: who gets in, and every way in which an answer of the provider may be wrong. */
import { env } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { intercept } from '../../support/bindings.ts'
import { Gate } from '../../support/gate.ts'
import { send, tokenInCookie } from '../../support/requests.ts'
import { makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { apio, readInfo } from './requests.ts'

const SECRET = 'a secret of the client'
const NONCE = 'a nonce of the browser'

interface Provider {
  readonly issuer: string
  readonly redirectUri: string
  readonly identityStoreId: string
}

let keys: CryptoKeyPair
let otherKeys: CryptoKeyPair
/** What the provider says at its token endpoint, and how it signs it. */
const provider = {
  claims: {} as Record<string, unknown>,
  signedBy: 'own' as 'own' | 'other' | 'nobody',
  answer: undefined as undefined | (() => Promise<Response> | Response),
  metadata: {} as Record<string, unknown>,
  requests: [] as { url: string; authorization: string | null; body: string }[],
}

beforeAll(async () => {
  keys = (await generateKeyPair('ES256')) as CryptoKeyPair
  otherKeys = (await generateKeyPair('ES256')) as CryptoKeyPair
})

beforeEach(() => {
  Object.assign(provider, { claims: {}, signedBy: 'own', answer: undefined, metadata: {}, requests: [] })
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input as string, init as RequestInit)
    const body = await request.text()
    provider.requests.push({ url: request.url, authorization: request.headers.get('authorization'), body })
    return serve(new URL(request.url))
  })
})

async function serve(url: URL): Promise<Response> {
  const issuer = url.origin
  switch (url.pathname) {
    case '/.well-known/openid-configuration':
      return Response.json({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        authorization_response_iss_parameter_supported: true,
        ...provider.metadata,
      })
    case '/jwks':
      return Response.json({ keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256', use: 'sig', kid: 'one' }] })
    case '/token':
      return (
        provider.answer?.() ??
        Response.json({ access_token: 'x', token_type: 'Bearer', id_token: await idToken(issuer) })
      )
    default:
      return new Response(null, { status: 404 })
  }
}

async function idToken(issuer: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: issuer,
    aud: 'latchkey',
    sub: 'nobody',
    nonce: NONCE,
    iat: now,
    exp: now + 60,
    ...provider.claims,
  }
  if (provider.signedBy === 'nobody') {
    const [header, payload] = [{ alg: 'none' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    return `${header}.${payload}.`
  }
  const { privateKey } = provider.signedBy === 'own' ? keys : otherKeys
  return new SignJWT(claims as JWTPayload).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey)
}

/** A store with a provider of its own, set by an operator. */
async function makeProvider(): Promise<Provider> {
  const identityStoreId = await makeStore()
  const issuer = `https://${identityStoreId}.example`
  const redirectUri = `https://app.${identityStoreId}.example/signed-in`
  const response = await send(`/operator/identity-stores/${identityStoreId}/openid-provider`, {
    method: 'PUT',
    bearer: await makeOperator(),
    json: { issuer, client_id: 'latchkey', client_secret: SECRET, redirect_uri: redirectUri },
  })
  expect(response.status).toBe(200)
  expect(await response.text()).not.toContain(SECRET)
  return { issuer, redirectUri, identityStoreId }
}

function login({ redirectUri }: Provider, options: { readonly nonce?: string; readonly cookie?: string } = {}) {
  const { nonce = NONCE, ...rest } = options
  return apio('/api/v1/openid/login/', {
    ...rest,
    json: { nonce, authorization_code: 'the code', redirect_uri: redirectUri },
  })
}

async function subjectOf(userId: string): Promise<unknown> {
  const row = await env.DB.prepare('SELECT openid_subject FROM users WHERE user_id = ?').bind(userId).first()
  return row?.openid_subject
}

async function setSubject(userId: string, subject: string): Promise<void> {
  const issuer = '(SELECT issuer FROM openid_providers AS p WHERE p.identity_store_id = users.identity_store_id)'
  await env.DB.prepare(`UPDATE users SET openid_subject = ?, openid_issuer = ${issuer} WHERE user_id = ?`)
    .bind(subject, userId)
    .run()
}

test('a user is found by verified address, and from then on by subject', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId, loginMode: 'SSO_LOGIN_DEDICATED' })
  provider.claims = { sub: 'subject-1', email: user.username.toUpperCase(), email_verified: true }
  const answer = await login(own)
  expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ profile: expect.any(Object) })])
  expect((await readInfo(tokenInCookie(answer.response) ?? '')).body).toMatchObject({ username: user.username })
  expect(await subjectOf(user.userId)).toBe('subject-1')
  provider.claims = { sub: 'subject-1', email: 'new@address.example', email_verified: true }
  expect((await login(own)).status).toBe(200)
  // Another subject with the same address is somebody else.
  provider.claims = { sub: 'subject-2', email: user.username, email_verified: true }
  expect((await login(own)).status).toBe(401)
})

test('the code is exchanged with the client secret and the redirect URI', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await setSubject(user.userId, 'subject-1')
  provider.claims = { sub: 'subject-1' }
  expect((await login(own)).status).toBe(200)
  const exchange = provider.requests.find(({ url }) => url.endsWith('/token'))
  expect(Object.fromEntries(new URLSearchParams(exchange?.body))).toMatchObject({
    grant_type: 'authorization_code',
    code: 'the code',
    redirect_uri: own.redirectUri,
  })
  const basic = Buffer.from(exchange?.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
  expect(basic).toBe(`latchkey:${encodeURIComponent(SECRET).replaceAll('%20', '+')}`)
})

const hourAgo = () => Math.floor(Date.now() / 1000) - 3_600
const BAD: readonly (readonly [string, () => void])[] = [
  [
    'another issuer',
    () => {
      provider.claims.iss = 'https://evil.example'
    },
  ],
  [
    'another audience',
    () => {
      provider.claims.aud = 'somebody else'
    },
  ],
  [
    'several audiences, authorized for another',
    () => {
      Object.assign(provider.claims, { aud: ['latchkey', 'other'], azp: 'other' })
    },
  ],
  [
    'another nonce',
    () => {
      provider.claims.nonce = 'replayed'
    },
  ],
  [
    'no nonce',
    () => {
      provider.claims.nonce = undefined
    },
  ],
  [
    'expired',
    () => {
      Object.assign(provider.claims, { iat: hourAgo(), exp: hourAgo() + 60 })
    },
  ],
  [
    'issued in the future',
    () => {
      const now = Math.floor(Date.now() / 1000)
      Object.assign(provider.claims, { iat: now + 60, exp: now + 120 })
    },
  ],
  [
    'no expiry',
    () => {
      provider.claims.exp = undefined
    },
  ],
  [
    'no subject',
    () => {
      provider.claims.sub = undefined
    },
  ],
  [
    'a subject with half a character',
    () => {
      provider.claims.sub = 'subject-\ud83d'
    },
  ],
  [
    'an address with half a character',
    () => {
      Object.assign(provider.claims, { email: '\ud83d@pie.example' })
    },
  ],
  [
    "another's signature",
    () => {
      provider.signedBy = 'other'
    },
  ],
  [
    'no signature',
    () => {
      provider.signedBy = 'nobody'
    },
  ],
  [
    'no ID token',
    () => {
      provider.answer = () => Response.json({ access_token: 'x', token_type: 'Bearer' })
    },
  ],
  [
    'a code that was used',
    () => {
      provider.answer = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    },
  ],
]

test('an address with half a character is refused, whose subject ever it comes with', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await setSubject(user.userId, 'subject-1')
  provider.claims = { sub: 'subject-1', email: '\ud83d@pie.example' }
  expect((await login(own)).status).toBe(401)
})

test('a refusal by the provider is logged with the request', async () => {
  const logged = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const own = await makeProvider()
  provider.answer = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
  const { response } = await login(own)
  const requestId = response.headers.get('x-request-id')
  expect(requestId).not.toBeNull()
  expect(logged).toHaveBeenCalledWith(expect.objectContaining({ event: 'openid.refused', requestId }))
})

test.each(BAD)('%s: 401, and nobody is signed in', async (_name, spoil) => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  provider.claims = { sub: 'subject-1', email: user.username, email_verified: true }
  spoil()
  const { status, body, response } = await login(own)
  expect([status, body]).toEqual([401, { details: 'The credentials are not valid.' }])
  expect(response.headers.get('set-cookie')).toBeNull()
  expect(await subjectOf(user.userId)).toBeNull()
  // The very same without what is wrong gets in.
  Object.assign(provider, { signedBy: 'own', answer: undefined })
  provider.claims = { sub: 'subject-1', email: user.username, email_verified: true }
  expect((await login(own)).status).toBe(200)
})

test("the client's nonce is the one that counts", async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await setSubject(user.userId, 'subject-1')
  provider.claims = { sub: 'subject-1' }
  expect((await login(own, { nonce: 'another' })).status).toBe(401)
})

test('an address that is not verified, not from an operator, not only one, or of another store leads to nobody', async () => {
  const [own, other] = [await makeProvider(), await makeProvider()]
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  const attempt = async (email_verified: unknown) => {
    provider.claims = { sub: 'subject-1', email: user.username, email_verified }
    return (await login(own)).status
  }
  expect(await attempt(false)).toBe(401)
  expect(await attempt(undefined)).toBe(401)
  expect(await attempt('true')).toBe(401)
  await env.DB.prepare('UPDATE users SET email_by_user = 1 WHERE user_id = ?').bind(user.userId).run()
  expect(await attempt(true)).toBe(401)
  await env.DB.prepare('UPDATE users SET email_by_user = 0 WHERE user_id = ?').bind(user.userId).run()
  const twin = await makeUser({ identityStoreId: own.identityStoreId })
  await env.DB.prepare('UPDATE users SET email_address = ? WHERE user_id = ?').bind(user.username, twin.userId).run()
  expect(await attempt(true)).toBe(401)
  await env.DB.prepare("UPDATE users SET email_address = 'x@y.example' WHERE user_id = ?").bind(twin.userId).run()
  provider.claims = { sub: 'subject-1', email: user.username, email_verified: true }
  expect((await login(other)).status).toBe(401)
  expect(await attempt(true)).toBe(200)
})

test('an address that the user wrote leads to nobody, until an operator writes it', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  const session = await send('/sessions', {
    address: user.address,
    json: { username: user.username, password: user.password },
  })
  const cookie = tokenInCookie(session) ?? ''
  const json = { emailAddress: 'boss@pie.example' }
  expect((await apio('/api/v1/session/user_login_info/', { method: 'PUT', cookie, json })).status).toBe(200)
  provider.claims = { sub: 'subject-1', email: 'boss@pie.example', email_verified: true }
  expect((await login(own)).status).toBe(401)
  const path = `/operator/identity-stores/${own.identityStoreId}/users/${user.userId}`
  const patch = { method: 'PATCH', bearer: await makeOperator(), json: { email_address: 'boss@pie.example' } }
  expect((await send(path, patch)).status).toBe(200)
  expect((await login(own)).status).toBe(200)
})

test('an operator who puts a user back as it was has not said whose address it is', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await env.DB.prepare("UPDATE users SET email_address = 'Boss@pie.example', email_by_user = 1 WHERE user_id = ?")
    .bind(user.userId)
    .run()
  const path = `/operator/identity-stores/${own.identityStoreId}/users/${user.userId}`
  const bearer = await makeOperator()
  provider.claims = { sub: 'subject-1', email: 'boss@pie.example', email_verified: true }
  const attemptAfter = async (method: string, email_address: string | null) => {
    const json = method === 'PUT' ? { username: user.username, email_address } : { email_address }
    expect((await send(path, { method, bearer, json })).status).toBe(200)
    return (await login(own)).status
  }
  expect(await attemptAfter('PUT', 'Boss@pie.example')).toBe(401)
  expect(await attemptAfter('PUT', 'boss@pie.example')).toBe(401)
  expect(await attemptAfter('PUT', null)).toBe(401)
  expect(await attemptAfter('PUT', 'boss@pie.example')).toBe(200)
})

/** K of kelvin, dotted capital I and long s become ASCII letters where Unicode changes their case. */
const LOOK_ALIKES = [
  ['kim@pie.example', '\u212Aim@pie.example'],
  ['iris@pie.example', '\u0130ris@pie.example'],
  ['sam@pie.example', '\u017Fam@pie.example'],
] as const

test.each(LOOK_ALIKES)('the address %s is not that of %s, whichever of them is here', async (ascii, other) => {
  for (const [here, there] of [
    [ascii, other],
    [other, ascii],
  ] as const) {
    const own = await makeProvider()
    const user = await makeUser({ identityStoreId: own.identityStoreId })
    await env.DB.prepare('UPDATE users SET email_address = ? WHERE user_id = ?').bind(here, user.userId).run()
    provider.claims = { sub: 'subject-1', email: there, email_verified: true }
    expect((await login(own)).status).toBe(401)
    provider.claims = { sub: 'subject-1', email: here, email_verified: true }
    expect((await login(own)).status).toBe(200)
  }
})

/** Sets the store's provider to another one, with the same way back. */
async function moveTo(own: Provider, name: string): Promise<Provider> {
  const issuer = `https://${name}.${own.identityStoreId}.example`
  const response = await send(`/operator/identity-stores/${own.identityStoreId}/openid-provider`, {
    method: 'PUT',
    bearer: await makeOperator(),
    json: { issuer, client_id: 'latchkey', client_secret: SECRET, redirect_uri: own.redirectUri },
  })
  expect(response.status).toBe(200)
  return { ...own, issuer }
}

async function removeProvider({ identityStoreId }: Provider): Promise<void> {
  const path = `/operator/identity-stores/${identityStoreId}/openid-provider`
  expect((await send(path, { method: 'DELETE', bearer: await makeOperator() })).status).toBe(204)
}

test.each(['replaced', 'removed first'])("an equal subject of another provider is not the user's: %s", async (how) => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  provider.claims = { sub: 'equal', email: user.username, email_verified: true }
  expect((await login(own)).status).toBe(200)
  if (how === 'removed first') await removeProvider(own)
  const other = await moveTo(own, 'other')
  provider.claims = { sub: 'equal' }
  expect((await login(other)).status).toBe(401)
  // By verified address it is the user's there too.
  provider.claims = { sub: 'equal', email: user.username, email_verified: true }
  expect((await login(other)).status).toBe(200)
  provider.claims = { sub: 'equal' }
  expect((await login(other)).status).toBe(200)
})

test('a provider that was removed and set again finds its subjects', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await setSubject(user.userId, 'subject-1')
  provider.claims = { sub: 'subject-1' }
  await removeProvider(own)
  const bearer = await makeOperator()
  const { issuer, redirectUri: redirect_uri, identityStoreId } = own
  const json = { issuer, client_id: 'latchkey', client_secret: SECRET, redirect_uri }
  await send(`/operator/identity-stores/${identityStoreId}/openid-provider`, { method: 'PUT', bearer, json })
  expect((await login(own)).status).toBe(200)
})

test('a subject of which no issuer is known finds nobody; a verified address tells it', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await env.DB.prepare("UPDATE users SET openid_subject = 'old' WHERE user_id = ?").bind(user.userId).run()
  provider.claims = { sub: 'old' }
  expect((await login(own)).status).toBe(401)
  provider.claims = { sub: 'old', email: user.username, email_verified: true }
  expect((await login(own)).status).toBe(200)
  provider.claims = { sub: 'old' }
  expect((await login(own)).status).toBe(200)
})

test('first sign-ins of one subject at the same time are all the same user', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  provider.claims = { sub: 'subject-1', email: user.username, email_verified: true }
  // Each has looked for the subject, in vain, before the first is linked to it.
  const [allLooked, looked] = [new Gate(), new Set<number>()]
  intercept(async (call, goOn) => {
    if (call.to !== 'D1' || !/^update "users" set "openid_subject"/i.test(call.statements[0] ?? '')) return goOn()
    if (looked.add(looked.size).size === 8) allLooked.open()
    await allLooked.pass()
    return goOn()
  })
  const answers = await Promise.all(Array.from({ length: 8 }, () => login(own)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  for (const { response } of answers) {
    expect((await readInfo(tokenInCookie(response) ?? '')).body).toMatchObject({ username: user.username })
  }
  // Another subject with the same address is nobody still.
  provider.claims = { sub: 'subject-2', email: user.username, email_verified: true }
  expect((await login(own)).status).toBe(401)
})

test('users are found by subject and by address through an index', async () => {
  const own = await makeProvider()
  const statements: string[] = []
  const leave = intercept((call, goOn) => {
    if (call.to === 'D1') statements.push(...call.statements.filter((text) => /openid_subject/.test(text)))
    return goOn()
  })
  provider.claims = { sub: 'nobody', email: 'nobody@pie.example', email_verified: true }
  expect((await login(own)).status).toBe(401)
  leave()
  expect(statements).toHaveLength(2)
  const plans = await Promise.all(statements.map(planOf))
  const users = plans.map((plan) => plan.filter((step) => /^(SCAN|SEARCH)/.test(step)))
  expect(users[0]).toEqual([
    'SEARCH users USING INDEX user_by_openid_subject (identity_store_id=? AND openid_subject=?)',
  ])
  const [byId, byAddress, bySubject] = [
    'SEARCH users USING PRIMARY KEY (identity_store_id=? AND user_id=?)',
    'SEARCH named USING COVERING INDEX user_by_email_address (identity_store_id=? AND <expr>=?)',
    'SEARCH other USING COVERING INDEX user_by_openid_subject (identity_store_id=? AND openid_subject=?)',
  ]
  expect(users[1]).toEqual([byId, byAddress, byId, byAddress, bySubject])
})

async function planOf(statement: string): Promise<string[]> {
  const values = Array.from(statement.matchAll(/\?/g), () => 'x')
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${statement}`)
    .bind(...values)
    .all<{ detail: string }>()
  return results.map(({ detail }) => detail)
}

test('nobody is created, and the disabled and bots stay outside', async () => {
  const own = await makeProvider()
  provider.claims = { sub: 'new', email: 'new@pie.example', email_verified: true }
  expect((await login(own)).status).toBe(401)
  for (const options of [{ active: false }, { bot: true }]) {
    const user = await makeUser({ identityStoreId: own.identityStoreId, ...options })
    await setSubject(user.userId, user.userId)
    provider.claims = { sub: user.userId }
    expect((await login(own)).status).toBe(401)
  }
  const count = await env.DB.prepare('SELECT count(*) AS n FROM users WHERE identity_store_id = ?')
    .bind(own.identityStoreId)
    .first()
  expect(count).toEqual({ n: 2 })
})

test('a redirect URI that no store has is refused, and nobody is asked', async () => {
  const answer = await login({ issuer: '', identityStoreId: '', redirectUri: 'https://evil.example/' })
  expect(answer.status).toBe(401)
  expect(provider.requests).toEqual([])
})

test('a provider that cannot be reached is 503, one that makes no sense or does not know us 502', async () => {
  const statuses = []
  for (const answer of [
    () => Promise.reject(new TypeError('fetch failed')),
    () => new Response(null, { status: 500 }),
    () => Response.json({ error: 'invalid_client' }, { status: 401 }),
    () => new Response('<html>'),
  ]) {
    provider.answer = answer
    const own = await makeProvider()
    statuses.push((await login(own)).status)
  }
  expect(statuses).toEqual([503, 502, 502, 502])
  provider.metadata = { issuer: 'https://evil.example' }
  expect((await login(await makeProvider())).status).toBe(502)
})

test('the metadata is kept, not asked for at each sign-in', async () => {
  const own = await makeProvider()
  const user = await makeUser({ identityStoreId: own.identityStoreId })
  await setSubject(user.userId, 'subject-1')
  provider.claims = { sub: 'subject-1' }
  for (const _ of [1, 2, 3]) expect((await login(own)).status).toBe(200)
  const count = (path: string) => provider.requests.filter(({ url }) => url.endsWith(path)).length
  expect([count('openid-configuration'), count('jwks'), count('token')]).toEqual([1, 1, 3])
})

test('the secret is sealed in the database', async () => {
  const own = await makeProvider()
  const row = await env.DB.prepare('SELECT * FROM openid_providers WHERE identity_store_id = ?')
    .bind(own.identityStoreId)
    .first()
  expect(JSON.stringify(row)).not.toContain(SECRET)
  expect(row?.sealed_client_secret).toMatch(/^[\w-]{60,}$/)
})

/** An OpenID provider of a test: what it serves, what it signs, and the sessions that are opened by it. */
import { exportJWK, generateKeyPair, type JWTPayload, type CryptoKey as Key, SignJWT } from 'jose'
import { expect, vi } from 'vitest'
import { type RequestOptions, send, tokenInCookie } from '../../support/requests.ts'
import { makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'

export const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const NONCE = 'a nonce of the browser'

interface Pair {
  readonly publicKey: Key
  readonly privateKey: Key
}

export interface Claims extends Record<string, unknown> {
  readonly sub?: string
  readonly sid?: string
}

/** A provider of a store. Its answers are those of `fetch` until the test ends. */
export class TestProvider {
  readonly identityStoreId: string
  readonly issuer: string
  readonly redirectUri: string
  /** What it was asked for, by path. */
  readonly asked: string[] = []
  /** The keys that it publishes, by their ids; the last one signs. */
  readonly keys = new Map<string, Pair>()
  /** What it answers instead at a path. */
  readonly instead = new Map<string, () => Promise<Response> | Response>()
  private idTokenClaims: Claims = {}

  private constructor(identityStoreId: string) {
    this.identityStoreId = identityStoreId
    this.issuer = `https://${identityStoreId}.example`
    this.redirectUri = `https://app.${identityStoreId}.example/signed-in`
  }

  /** A store with a provider, set by an operator. */
  static async make(): Promise<TestProvider> {
    const provider = new TestProvider(await makeStore())
    await provider.rotate('one')
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) =>
      provider.serve(new URL(new Request(input as string, init as RequestInit).url)),
    )
    expect((await provider.set()).status).toBe(200)
    return provider
  }

  /** Makes it the provider of its store. */
  async set(): Promise<Response> {
    const { identityStoreId, issuer, redirectUri } = this
    return send(`/operator/identity-stores/${identityStoreId}/openid-provider`, {
      method: 'PUT',
      bearer: await makeOperator(),
      json: { issuer, client_id: 'latchkey', client_secret: 'a secret of the client', redirect_uri: redirectUri },
    })
  }

  /** Signs with a new key from now on. */
  async rotate(kid: string): Promise<void> {
    this.keys.set(kid, await generateKeyPair('ES256'))
  }

  private async serve({ pathname }: URL): Promise<Response> {
    this.asked.push(pathname)
    const instead = this.instead.get(pathname)
    if (instead !== undefined) return instead()
    const { issuer } = this
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return Response.json({
          issuer,
          authorization_endpoint: `${issuer}/auth`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['ES256', 'none', 'HS256'],
        })
      case '/jwks':
        return Response.json({
          keys: await Promise.all(
            Array.from(this.keys, async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid })),
          ),
        })
      case '/token': {
        const now = Math.floor(Date.now() / 1000)
        const claims = { iss: issuer, aud: 'latchkey', nonce: NONCE, iat: now, exp: now + 60, ...this.idTokenClaims }
        return Response.json({ access_token: 'x', token_type: 'Bearer', id_token: await this.sign(claims) })
      }
      default:
        return new Response(null, { status: 404 })
    }
  }

  /** A token of the provider's newest key, or of another one. */
  async sign(claims: Record<string, unknown>, header: Record<string, unknown> = {}, privateKey?: Key): Promise<string> {
    const [kid, pair] = [...this.keys].at(-1) ?? []
    if (kid === undefined || pair === undefined) throw new Error('no key')
    return new SignJWT(claims as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid, ...header })
      .sign(privateKey ?? pair.privateKey)
  }

  /** Claims of a good logout token, but for what is said; undefined leaves one out. */
  logoutClaims(claims: Claims): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000)
    const all = {
      iss: this.issuer,
      aud: 'latchkey',
      iat: now,
      exp: now + 120,
      jti: crypto.randomUUID(),
      events: { [EVENT]: {} },
      ...claims,
    }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }

  /** A logout token. */
  logoutToken(claims: Claims, header: Record<string, unknown> = { typ: 'logout+jwt' }): Promise<string> {
    return this.sign(this.logoutClaims(claims), header)
  }

  /** Sends a token, as a provider does. */
  send(token: string, options: RequestOptions = {}): Promise<Response> {
    const path = `/oauth2/backchannel-logout/${this.identityStoreId}`
    return send(path, { form: { logout_token: token }, origin: null, ...options })
  }

  /** Sends a good token and expects it to be accepted. */
  async logOut(claims: Claims): Promise<void> {
    const response = await this.send(await this.logoutToken(claims))
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('cache-control')).toBe('no-store')
  }

  /** A user whom the provider knows by its address, until the first sign-in. */
  makeUser(): Promise<TestUser> {
    return makeUser({ identityStoreId: this.identityStoreId })
  }

  /** Signs a user in by an ID token with these claims. Answers the token of the session. */
  async signIn(user: TestUser, claims: Claims & { readonly sub: string }): Promise<string> {
    this.idTokenClaims = { email: user.username, email_verified: true, ...claims }
    const response = await send('/api/v1/openid/login/', {
      address: user.address,
      json: { nonce: NONCE, authorization_code: 'the code', redirect_uri: this.redirectUri },
    })
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
    const token = tokenInCookie(response)
    if (token === null) throw new Error('no cookie')
    return token
  }
}

/** Why the session of a token has ended; null: it lives. */
export async function endOf(token: string): Promise<string | null> {
  const response = await send('/sessions/current', { bearer: token })
  const { reason = null } = (await response.json()) as { reason?: string }
  expect([200, 401]).toContain(response.status)
  return reason
}

/**
 * OpenID Connect: exchanges an authorization code at the identity store's provider and verifies the ID token
 * (issuer, audience, nonce, times, and the signature against the issuer's keys). No user is ever created.
 */

import * as client from 'openid-client'
import type { Sealing } from '../auth/sealing.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { findIllFormedText } from '../domain/text.ts'
import {
  CLOCK_TOLERANCE_MILLISECONDS,
  MAX_REMEMBERED_PROVIDERS,
  PROVIDER_METADATA_MILLISECONDS,
  PROVIDER_TIMEOUT_SECONDS,
  RETRY_AFTER_SECONDS,
} from '../limits.ts'
import { log } from '../log.ts'
import type { Database } from '../store/database.ts'
import { findOpenIdProviderByRedirectUri, findUserOfSubject, type OpenIdProvider } from '../store/openid-providers.ts'
import { findUser, type KnownUser } from '../store/users.ts'
import { logUnavailable } from '../time-limit.ts'

/** What a client brings back from the provider. */
export interface AuthorizationResponse {
  readonly code: string
  /** The nonce that the client sent to the provider. */
  readonly nonce: string
  readonly redirectUri: string
}

export class OpenId {
  private readonly db: Database
  private readonly sealing: Sealing
  private readonly known = new Map<
    string,
    { readonly configuration: client.Configuration; readonly learnedAt: number }
  >()

  constructor(db: Database, sealing: Sealing) {
    this.db = db
    this.sealing = sealing
  }

  /**
   * The user that the provider vouches for. The redirect URI tells the identity store.
   * Errors: `invalid_credentials`, `unavailable`.
   */
  async signIn(response: AuthorizationResponse, now: number): Promise<Result<KnownUser, SessionError>> {
    const provider = await findOpenIdProviderByRedirectUri(this.db, response.redirectUri)
    if (!provider.ok) return provider
    if (provider.value === null) return fail({ code: 'invalid_credentials' })
    const claims = await this.verify(provider.value, response, now)
    if (!claims.ok) return claims
    const { sub, email, email_verified: emailVerified } = claims.value
    // D1 keeps a replacement for half a character: many subjects would be one.
    if (findIllFormedText([sub, email]) !== null) return fail({ code: 'invalid_credentials' })
    const address = emailVerified === true && typeof email === 'string' ? email : null
    const key = await findUserOfSubject(this.db, provider.value, sub, address)
    if (!key.ok) return key
    const user = key.value === null ? ok(null) : await findUser(this.db, key.value)
    if (!user.ok) return user
    // Looked at once more: between the two look-ups the id may have been given to somebody else.
    const fits = user.value?.user.active && !user.value.user.bot && user.value.user.openidSubject === sub
    return user.value !== null && fits ? ok(user.value) : fail({ code: 'invalid_credentials' })
  }

  private async verify(
    provider: OpenIdProvider,
    { code, nonce, redirectUri }: AuthorizationResponse,
    now: number,
  ): Promise<Result<client.IDToken, SessionError>> {
    try {
      const configuration = await this.configurationOf(provider, now)
      const callback = new URL(redirectUri)
      callback.searchParams.set('code', code)
      // One redirect URI belongs to one issuer, which is the other defence against a mix-up (RFC 9700, 4.4.2.2).
      callback.searchParams.set('iss', configuration.serverMetadata().issuer)
      const tokens = await client.authorizationCodeGrant(configuration, callback, {
        expectedNonce: nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined || claims.iat * 1000 > now + CLOCK_TOLERANCE_MILLISECONDS) {
        return fail({ code: 'invalid_credentials' })
      }
      return ok(claims)
    } catch (error) {
      return fail(faultOf(error))
    }
  }

  private async configurationOf(provider: OpenIdProvider, now: number): Promise<client.Configuration> {
    const { identityStoreId, issuer, clientId, sealedClientSecret } = provider
    const name = JSON.stringify([identityStoreId, issuer, clientId, sealedClientSecret])
    const known = this.known.get(name)
    if (known !== undefined && now - known.learnedAt < PROVIDER_METADATA_MILLISECONDS) return known.configuration
    const secret = await this.sealing.open('openid_client_secret', identityStoreId, identityStoreId, sealedClientSecret)
    if (secret === null) throw new Error('the OpenID client secret does not open: its sealing key is gone')
    const configuration = await client.discovery(new URL(issuer), clientId, undefined, authentication(secret), {
      timeout: PROVIDER_TIMEOUT_SECONDS,
      // Operators can set an http issuer on this very machine only.
      execute: [
        client.enableNonRepudiationChecks,
        ...(issuer.startsWith('http://') ? [client.allowInsecureRequests] : []),
      ],
    })
    const [oldest] = this.known.keys()
    if (this.known.size >= MAX_REMEMBERED_PROVIDERS && oldest !== undefined) this.known.delete(oldest)
    this.known.set(name, { configuration, learnedAt: now })
    return configuration
  }
}

/** As the provider likes it; Basic is what a provider that does not say must take (OpenID Connect Discovery, 3). */
function authentication(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)]
  return (server, metadata, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const method = methods.includes('client_secret_basic') ? basic : post
    method(server, metadata, body, headers)
  }
}

/** Faults of the provider or of its settings, as opposed to a code or an ID token that is not good. */
const PROVIDER_FAULTS: ReadonlySet<string> = new Set([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_UNSUPPORTED_OPERATION',
])

function faultOf(error: unknown): SessionError {
  const unavailable = { code: 'unavailable', what: 'OpenID provider', retryAfterSeconds: RETRY_AFTER_SECONDS } as const
  if (error instanceof client.ResponseBodyError) {
    log('openid.refused', { error: error.error, status: error.status })
    // Only the code can be the user's fault; the rest is between us and the provider.
    return error.error === 'invalid_grant' ? { code: 'invalid_credentials' } : { ...unavailable, because: 'refused' }
  }
  if (error instanceof client.ClientError) {
    log('openid.failed', { error: error.message, code: error.code })
    if (error.code === 'OAUTH_TIMEOUT') return { ...unavailable, because: 'timed_out' }
    if (error.code === undefined) return unavailable
    return PROVIDER_FAULTS.has(error.code) ? { ...unavailable, because: 'refused' } : { code: 'invalid_credentials' }
  }
  if (error instanceof client.WWWAuthenticateChallengeError) return { ...unavailable, because: 'refused' }
  // `fetch` that does not get through; TypeErrors of the library carry a code.
  if (error instanceof TypeError && 'code' in error) throw error
  if (error instanceof Error && !('code' in error) && error.message.startsWith('the OpenID client secret')) throw error
  logUnavailable('OpenID provider', String(error))
  return unavailable
}

/**
 * OpenID Connect: exchanges an authorization code at the identity store's provider and verifies the ID token
 * (issuer, audience, nonce, times, and the signature against the issuer's keys). No user is ever created.
 */

import * as client from 'openid-client'
import type { SessionError } from '../domain/errors.ts'
import type { OpenIdLogin } from '../domain/openid-login.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { findIllFormedText } from '../domain/text.ts'
import { CLOCK_TOLERANCE_MILLISECONDS, MAX_SID_LENGTH, RETRY_AFTER_SECONDS } from '../limits.ts'
import { log } from '../log.ts'
import type { Database } from '../store/database.ts'
import { findOpenIdProviderByRedirectUri, findUserOfSubject, type OpenIdProvider } from '../store/openid-providers.ts'
import { findUser, type KnownUser } from '../store/users.ts'
import { logUnavailable } from '../time-limit.ts'
import { type OpenIdConfigurations, SECRET_FAULT } from './openid-configurations.ts'

/** What a client brings back from the provider. */
export interface AuthorizationResponse {
  readonly code: string
  /** The nonce that the client sent to the provider. */
  readonly nonce: string
  readonly redirectUri: string
}

/** A user for whom a provider vouches, and what it said. */
export interface VouchedUser extends KnownUser {
  readonly openid: OpenIdLogin
}

export class OpenId {
  private readonly db: Database
  private readonly configurations: OpenIdConfigurations

  constructor(db: Database, configurations: OpenIdConfigurations) {
    this.db = db
    this.configurations = configurations
  }

  /**
   * The user that the provider vouches for. The redirect URI tells the identity store.
   * Errors: `invalid_credentials`, `unavailable`.
   */
  async signIn(response: AuthorizationResponse, now: number): Promise<Result<VouchedUser, SessionError>> {
    const provider = await findOpenIdProviderByRedirectUri(this.db, response.redirectUri)
    if (!provider.ok) return provider
    if (provider.value === null) return fail({ code: 'invalid_credentials' })
    const claims = await this.verify(provider.value, response, now)
    if (!claims.ok) return claims
    const { sub, sid, iat, email, email_verified: emailVerified } = claims.value
    // D1 keeps a replacement for half a character: many subjects would be one.
    if (findIllFormedText([sub, sid, email]) !== null) return fail({ code: 'invalid_credentials' })
    const address = emailVerified === true && typeof email === 'string' ? email : null
    const key = await findUserOfSubject(this.db, provider.value, sub, address)
    if (!key.ok) return key
    const user = key.value === null ? ok(null) : await findUser(this.db, key.value)
    if (!user.ok) return user
    // Looked at once more: between the two look-ups the id may have been given to somebody else.
    const fits = user.value?.user.active && !user.value.user.bot && user.value.user.openidSubject === sub
    if (user.value === null || !fits) return fail({ code: 'invalid_credentials' })
    const session = typeof sid === 'string' && sid.length <= MAX_SID_LENGTH ? sid : null
    const openid = { issuer: provider.value.issuer, subject: sub, sid: session, issuedAt: iat * 1000 }
    return ok({ ...user.value, openid })
  }

  private async verify(
    provider: OpenIdProvider,
    { code, nonce, redirectUri }: AuthorizationResponse,
    now: number,
  ): Promise<Result<client.IDToken, SessionError>> {
    try {
      const configuration = await this.configurations.of(provider, now)
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
    // Only a bad code can be the client's fault; everything else is between us and the provider.
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
  if (error instanceof Error && !('code' in error) && error.message.startsWith(SECRET_FAULT)) throw error
  logUnavailable('OpenID provider', String(error))
  return unavailable
}

/** Verifies the logout tokens of OpenID providers: OpenID Connect Back-Channel Logout 1.0, section 2.6. */

import { hash } from 'node:crypto'
import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose'
import type { SessionError } from '../domain/errors.ts'
import type { OpenIdLogout } from '../domain/openid-login.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { log } from '../log.ts'
import type { Database } from '../store/database.ts'
import { findOpenIdProvider, type OpenIdProvider } from '../store/openid-providers.ts'
import { isOfAnotherSubject } from '../store/openid-sessions.ts'
import { readLogoutClaims } from './logout-claims.ts'
import type { KeySet, ProviderKeys } from './provider-keys.ts'

/** A token that was verified: what it names, and by what it is known when it comes again. */
export interface VerifiedLogout {
  readonly logout: OpenIdLogout
  readonly tokenHash: string
  /** From then on it is accepted no more, epoch milliseconds. */
  readonly goodUntil: number
}

/** Signatures that only the holder of a private key can make. */
const ALGORITHMS: ReadonlySet<string> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
])

/** Said of all that the provider has not signed: nobody else is told what is set here, or for whom. */
const NOT_SIGNED = "It is not signed by this identity store's OpenID provider."

export class LogoutTokens {
  private readonly db: Database
  private readonly keys: ProviderKeys

  constructor(db: Database, keys: ProviderKeys) {
    this.db = db
    this.keys = keys
  }

  /** Errors: `invalid_request`, `unavailable`. */
  async verify(identityStoreId: string, token: string, now: number): Promise<Result<VerifiedLogout, SessionError>> {
    const found = await findOpenIdProvider(this.db, identityStoreId)
    if (!found.ok) return found
    const provider = found.value
    if (provider === null || !mayBeOf(provider, token)) return invalid(NOT_SIGNED)
    const opened = await this.open(provider, token, now)
    if (!opened.ok) return opened
    const { type, claims } = opened.value
    const read = readLogoutClaims(type, claims, provider, now)
    if (!read.ok) return invalid(read.error)
    const { jti, goodUntil, ...named } = read.value
    const logout = { issuer: provider.issuer, ...named, acceptedAt: now }
    const another = await isOfAnotherSubject(this.db, identityStoreId, logout)
    if (!another.ok) return another
    if (another.value) return invalid('sub: the session sid is of another subject.')
    return ok({ logout, goodUntil, tokenHash: hash('sha256', JSON.stringify([provider.issuer, jti]), 'hex') })
  }

  /** What the provider has signed. One more look at its keys where it has signed with a new one. */
  private async open(provider: OpenIdProvider, token: string, now: number) {
    let set: KeySet | null = null
    for (;;) {
      const keys: Result<KeySet, SessionError> = await this.keys.of(provider, now, set)
      if (!keys.ok) return keys
      const isSame = keys.value === set
      set = keys.value
      try {
        const algorithms = set.algorithms.filter((one) => ALGORITHMS.has(one))
        const { payload, protectedHeader } = await compactVerify(token, set.keys, { algorithms })
        return ok({ type: protectedHeader.typ, claims: JSON.parse(new TextDecoder().decode(payload)) as unknown })
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey && !isSame) continue
        log('logout_token.refused', { identityStoreId: provider.identityStoreId, error: String(error) })
        return invalid(NOT_SIGNED)
      }
    }
  }
}

/** Whether a token says that it is the provider's: for any other no keys are asked for. */
function mayBeOf({ issuer }: OpenIdProvider, token: string): boolean {
  try {
    return decodeJwt(token).iss === issuer && ALGORITHMS.has(decodeProtectedHeader(token).alg ?? '')
  } catch {
    return false
  }
}

function invalid(message: string): Result<never, SessionError> {
  return fail({ code: 'invalid_request', issues: [{ field: 'logout_token', code: 'invalid', message }] })
}

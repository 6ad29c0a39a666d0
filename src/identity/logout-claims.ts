/** What a logout token must say. Pure. Source: OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6. */
import { fail, ok, type Result } from '../domain/result.ts'
import { findIllFormedText } from '../domain/text.ts'
import { CLOCK_TOLERANCE_MILLISECONDS, LOGOUT_TOKEN_MILLISECONDS, MAX_LOGOUT_TOKEN_MILLISECONDS } from '../limits.ts'

/** What a logout token says. */
export interface LogoutClaims {
  readonly jti: string
  readonly subject: string | null
  readonly sid: string | null
  /** Epoch milliseconds, and so is the next. */
  readonly issuedAt: number
  /** From then on it is accepted no more. */
  readonly goodUntil: number
}

/** Whose token it must be, and for whom. */
export interface ExpectedParties {
  readonly issuer: string
  readonly clientId: string
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Types that name nothing else: many providers say none, or that it is a JWT. */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'logout+jwt', 'application/logout+jwt'])

/** The claims of a token whose signature is good, or what is wrong with them. */
export function readLogoutClaims(
  type: unknown,
  claims: unknown,
  { issuer, clientId }: ExpectedParties,
  now: number,
): Result<LogoutClaims, string> {
  if (!TYPES.has(typeof type === 'string' ? type.toLowerCase() : type)) return fail('typ: it is of another kind.')
  if (!isObject(claims)) return fail('It is not a JSON object.')
  const { iss, aud, iat, exp, jti, events, sub, sid } = claims
  if (iss !== issuer) return fail('iss: it is of another issuer.')
  if (aud !== clientId && !(Array.isArray(aud) && aud.includes(clientId))) return fail('aud: it is for somebody else.')
  if (!isTime(iat)) return fail('iat: must be a time.')
  const issuedAt = iat * 1000
  if (issuedAt > now + CLOCK_TOLERANCE_MILLISECONDS) return fail('iat: it is of the future.')
  if (exp !== undefined && !isTime(exp)) return fail('exp: must be a time.')
  const expiresAt = exp === undefined ? issuedAt + LOGOUT_TOKEN_MILLISECONDS : exp * 1000
  const goodUntil = Math.min(expiresAt, issuedAt + MAX_LOGOUT_TOKEN_MILLISECONDS) + CLOCK_TOLERANCE_MILLISECONDS
  if (now >= goodUntil) return fail('exp: it has expired, or was issued too long ago.')
  if (!isText(jti)) return fail('jti: must be a text.')
  if (!isObject(events) || !isObject(events[EVENT])) return fail(`events: must have the member ${EVENT}.`)
  if ('nonce' in claims) return fail('nonce: must not be there.')
  if (sub !== undefined && !isText(sub)) return fail('sub: must be a text.')
  if (sid !== undefined && !isText(sid)) return fail('sid: must be a text.')
  if (sub === undefined && sid === undefined) return fail('It has neither sub nor sid.')
  // D1 keeps a replacement for half a character: many subjects would be one.
  if (findIllFormedText([jti, sub, sid]) !== null) return fail('It has half a character.')
  return ok({ jti, subject: sub ?? null, sid: sid ?? null, issuedAt, goodUntil })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

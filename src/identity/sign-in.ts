/** Password sign-in: throttled before it hashes, alike in words and in time whatever is wrong. */
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Client } from '../domain/session.ts'
import type { ThrottleSettings } from '../env.ts'
import { type Database, within } from '../store/database.ts'
import { countAttempt, forgetAttempts } from '../store/sign-in-attempts.ts'
import { findUserByUsername, type KnownUser } from '../store/users.ts'
import { type ApplicationServer, unavailableBecause } from './application-server.ts'
import { LOGIN_MODE_RULES } from './login-modes.ts'
import { HASHING_BUSY, isHashingBusy, verifyPassword } from './passwords.ts'

/** Longest that a sign-in is slowed down for a user that many try, in milliseconds. */
const MAX_SLOWING_MILLISECONDS = 3_000
/** Longest wait for the gate, in milliseconds. */
const GATE_TIMEOUT_MILLISECONDS = 1_000
/** What each attempt above the threshold adds. */
const SLOWING_STEP_MILLISECONDS = 100

export interface SignInDependencies {
  readonly db: Database
  readonly throttle: ThrottleSettings
  /** Checks the passwords of users in SERVER_LOGIN. */
  readonly applicationServer: ApplicationServer
  /** The first gate, by address; per location and without a count of its own. */
  readonly gate: RateLimit
}

/**
 * Verifies a user name and password. Takes at least the floor, whatever comes of it.
 * Errors: `invalid_credentials` (wrong, unknown, disabled and unfit alike), `locked_out`, `rate_limited`, `unavailable`.
 */
export async function signIn(
  deps: SignInDependencies,
  credentials: { readonly username: string; readonly password: string },
  client: Client,
  now: number,
): Promise<Result<KnownUser, SessionError>> {
  const [result] = await Promise.all([
    verify(deps, credentials, client, now),
    scheduler.wait(deps.throttle.floorMilliseconds),
  ])
  return result
}

async function verify(
  { db, throttle, gate, applicationServer }: SignInDependencies,
  credentials: { readonly username: string; readonly password: string },
  client: Client,
  now: number,
): Promise<Result<KnownUser, SessionError>> {
  const who = { username: normalizeUsername(credentials.username), address: client.address ?? 'unknown' }
  // The counters behind it are exact: a gate that is out of order stands open.
  const gated = await within(GATE_TIMEOUT_MILLISECONDS, 'rate limit', () => gate.limit({ key: who.address }))
  if (gated.ok && !gated.value.success) return fail({ code: 'rate_limited', retryAfterSeconds: 60 })
  // Who cannot be heard has not tried: a rush must not lock anybody out.
  if (isHashingBusy()) return fail(HASHING_BUSY)

  const counted = await countAttempt(db, who, throttle, now)
  if (!counted.ok) return counted
  const { lockedUntil, ofAddress, addressWindowEndsAt, ofUser } = counted.value
  if (lockedUntil !== null) return fail({ code: 'locked_out', retryAfterSeconds: secondsUntil(lockedUntil, now) })
  if (ofAddress > throttle.triesPerAddress) {
    return fail({ code: 'rate_limited', retryAfterSeconds: secondsUntil(addressWindowEndsAt, now) })
  }
  const above = ofUser - throttle.triesBeforeSlowing
  if (above > 0) await scheduler.wait(Math.min(above * SLOWING_STEP_MILLISECONDS, MAX_SLOWING_MILLISECONDS))

  const found = await findUserByUsername(db, who.username)
  if (!found.ok) return found
  const user = found.value
  const fits = await passwordFits(applicationServer, user, credentials.password)
  if (!fits.ok) return fits
  if (!fits.value || user === null) return fail({ code: 'invalid_credentials' })
  const forgotten = await forgetAttempts(db, who)
  return forgotten.ok ? ok(user) : forgotten
}

/**
 * Whether the password is the user's, as the login mode has it. Whoever cannot sign in by password costs a
 * hash all the same: nobody, the disabled, bots, and modes without one.
 */
async function passwordFits(
  applicationServer: ApplicationServer,
  found: KnownUser | null,
  password: string,
): Promise<Result<boolean, SessionError>> {
  const mayTry = found?.user.active === true && !found.user.bot
  const checkedBy = mayTry ? LOGIN_MODE_RULES[found.loginMode].passwordCheckedBy : 'nobody'
  if (mayTry && checkedBy === 'application_server') {
    const authenticated = await applicationServer.authenticate(found.user.username ?? '', password)
    return authenticated.ok ? authenticated : fail(unavailableBecause(authenticated.error))
  }
  const verified = await verifyPassword(password, found?.user.passwordHash ?? null)
  return verified.ok ? ok(verified.value && checkedBy === 'latchkey') : verified
}

/** User names compare without regard to case or surrounding space. */
export function normalizeUsername(username: string): string {
  return username.trim().toLowerCase()
}

function secondsUntil(instant: number, now: number): number {
  return Math.max(1, Math.ceil((instant - now) / 1000))
}

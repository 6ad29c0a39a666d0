/** Hearing a try to sign in, inside the object of its user name: limited before it is hashed, counted if it was wrong. */

import { waitUntil } from 'cloudflare:workers'
import { addressPrefix } from '../domain/address-prefix.ts'
import type { Quota, SessionError } from '../domain/errors.ts'
import type { HashCost } from '../domain/hash-cost.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import {
  COUNT_AGAIN_MILLISECONDS,
  COUNT_AGAIN_TIMES,
  MAX_HASHING_WAIT_MILLISECONDS,
  MAX_SLOWING_MILLISECONDS,
  SLOWING_STEP_MILLISECONDS,
} from '../limits.ts'
import type { ThrottleSettings } from '../settings.ts'
import type { Database } from '../store/database.ts'
import { hasSignedInFrom, notePasswordSignIn } from '../store/password-sign-ins.ts'
import { type AttemptCounts, countWrongPassword, forgetAttempts, readAttempt } from '../store/sign-in-attempts.ts'
import type { KnownUser } from '../store/users.ts'
import type { Asker } from './fair-queue.ts'
import type { HashingLine } from './hashing-line.ts'
import { LOGIN_MODE_RULES } from './login-modes.ts'
import { comparePassword, hashPassword } from './passwords.ts'
import type { TurnsByKey } from './turns-by-key.ts'

/** One try to sign in. */
export interface Try {
  /** In its one form; it may be nobody's. */
  readonly username: string
  readonly password: string
  readonly address: string | null
  /** The device, if this user has signed in on it before. */
  readonly device: string | null
}

/** What tries are held to, and what else must be asked. */
export interface Hearing {
  readonly throttle: ThrottleSettings
  readonly cost: HashCost
  /** When the request arrived, epoch milliseconds. */
  readonly now: number
  /** Whether the application server says that it is the user's password. */
  readonly authenticate: (username: string, password: string, asker: Asker) => Promise<Result<boolean, SessionError>>
}

interface Dependencies {
  readonly db: Database
  /** Is told of a store's lockout. Nobody waits for it. */
  readonly onLockout: (identityStoreId: string) => void
  readonly line: HashingLine
  readonly turns: TurnsByKey
}

/**
 * Answers the user if the password is right. Errors: `invalid_credentials`, counted; those that count nothing:
 * `locked_out`, `rate_limited`, `unavailable`.
 */
export async function hear(
  deps: Dependencies,
  attempt: Try,
  hearing: Hearing,
): Promise<Result<KnownUser, SessionError>> {
  const { username, address, device } = attempt
  const until = Date.now() + MAX_HASHING_WAIT_MILLISECONDS
  const prefix = addressPrefix(address)
  const who = { username, address, device, prefix }
  const turn = await deps.turns.begin(`${username} ${device ?? prefix}`, until - Date.now())
  if (!turn.ok) return turn
  const ends = [turn.value]
  const followUps: Promise<unknown>[] = []
  try {
    const first = await readAttempt(deps.db, who, hearing.now)
    if (!first.ok) return first
    const known = device !== null || (first.value.found !== null && hasSignedInFrom(first.value.found.user, prefix))
    // Strangers who try one user without end are heard one at a time.
    const isTried = !known && first.value.counts.user.attempts >= hearing.throttle.triesPerUser
    if (isTried) {
      const alone = await deps.turns.begin(username, until - Date.now())
      if (!alone.ok) return alone
      ends.push(alone.value)
    }
    const read = isTried ? await readAttempt(deps.db, who, hearing.now) : first
    if (!read.ok) return read
    const { counts, found } = read.value
    const refused = refusal(counts, known, hearing)
    if (refused !== null) return fail(refused)
    const slowing = known ? 0 : slowingOf(counts, hearing)
    if (slowing > 0) await scheduler.wait(slowing)

    const asker: Asker = { priority: known ? 'known' : 'stranger', who: known ? username : prefix }
    const milliseconds = until + slowing - Date.now()
    const compared = await check(deps.line, attempt, found, { ...hearing, asker, milliseconds })
    if (!compared.ok) return compared
    if (!compared.value.fits || found === null) {
      const storeId = found?.user.identityStoreId ?? null
      const count = async () => {
        const counted = await countWrongPassword(deps.db, who, storeId, hearing.throttle, hearing.now)
        if (counted.ok && counted.value && storeId !== null) deps.onLockout(storeId)
        return counted
      }
      const counted = await count()
      if (!counted.ok) followUps.push(again(count))
      // Who is known is not held to it.
      const quota = known ? {} : { quota: quotaOf(counts, 1, hearing) }
      return counted.ok ? fail({ code: 'invalid_credentials', ...quota }) : counted
    }
    const forgets = counts.pair.attempts > 0 || counts.user.attempts > 0
    if (forgets) followUps.push(forgetAttempts(deps.db, who, counts))
    if (compared.value.replace || !hasSignedInFrom(found.user, prefix)) {
      followUps.push(note(deps, attempt, hearing, found, compared.value.replace))
    }
    return ok(found)
  } finally {
    waitUntil(
      Promise.allSettled(followUps).then(() => {
        for (const end of ends) end()
      }),
    )
  }
}

/** While D1 does not count, nobody may go on guessing: the turn is held until it counts, or for half a minute. */
async function again(count: () => Promise<Result<unknown, SessionError>>): Promise<void> {
  for (let time = 0; time < COUNT_AGAIN_TIMES; time += 1) {
    await scheduler.wait(COUNT_AGAIN_MILLISECONDS)
    if ((await count()).ok) return
  }
}

/**
 * Why an attempt is refused before the password is checked; null if it is not. For a known device or address only the
 * attempts of the pair count.
 */
function refusal(
  { pair, address, user }: AttemptCounts,
  known: boolean,
  { throttle, now }: Hearing,
): SessionError | null {
  const secondsUntil = (instant: number) => Math.max(1, Math.ceil((instant - now) / 1000))
  if (pair.lockedUntil !== null) return { code: 'locked_out', retryAfterSeconds: secondsUntil(pair.lockedUntil) }
  if (known) return null
  if (address.attempts >= throttle.triesPerAddress) {
    const quota = quotaOf({ address }, 0, { throttle, now })
    return { code: 'rate_limited', retryAfterSeconds: quota.secondsUntilMore, quota }
  }
  return user.lockedUntil === null ? null : { code: 'rate_limited', retryAfterSeconds: secondsUntil(user.lockedUntil) }
}

/** What is left to an address after so many tries more. */
function quotaOf(
  { address }: Pick<AttemptCounts, 'address'>,
  tries: number,
  { throttle, now }: Pick<Hearing, 'throttle' | 'now'>,
): Quota {
  const { triesPerAddress, windowSeconds } = throttle
  const inWindow = address.attempts > 0
  return {
    policy: 'signin-address',
    tries: triesPerAddress,
    windowSeconds,
    left: Math.max(0, triesPerAddress - address.attempts - tries),
    secondsUntilMore: inWindow ? Math.max(1, Math.ceil((address.windowEndsAt - now) / 1000)) : windowSeconds,
  }
}

/** How long a stranger is slowed down, in milliseconds. */
function slowingOf({ user }: AttemptCounts, { throttle }: Hearing): number {
  const above = user.attempts + 1 - throttle.triesBeforeSlowing
  return Math.min(Math.max(0, above) * SLOWING_STEP_MILLISECONDS, MAX_SLOWING_MILLISECONDS)
}

interface Verdict {
  readonly fits: boolean
  /** Our hash has another cost than new ones have. */
  readonly replace: boolean
}

type Turn = Hearing & { readonly asker: Asker; readonly milliseconds: number }

/**
 * Whether the password is the user's, as the login mode has it. Everybody costs one hash: nobody, the disabled,
 * bots, and those whose password is not ours to check.
 */
async function check(
  line: HashingLine,
  { password }: Try,
  found: KnownUser | null,
  { asker, cost, milliseconds, authenticate }: Turn,
): Promise<Result<Verdict, SessionError>> {
  const mayTry = found?.user.active === true && !found.user.bot
  const checkedBy = mayTry ? LOGIN_MODE_RULES[found.loginMode].passwordCheckedBy : 'nobody'
  const hash = checkedBy === 'latchkey' ? (found?.user.passwordHash ?? null) : null
  const hashed = await line.take(asker, cost, milliseconds, () => comparePassword(password, hash, cost))
  if (!hashed.ok) return hashed
  if (checkedBy !== 'application_server') {
    return ok({ fits: hashed.value.fits, replace: hashed.value.otherCost })
  }
  const authenticated = await authenticate(found?.user.username ?? '', password, asker)
  return authenticated.ok ? ok({ fits: authenticated.value, replace: false }) : authenticated
}

/** Remembers at the user where it signed in, and replaces a hash of another cost, if there is time for one. */
async function note(
  { db, line }: Dependencies,
  { username, password, address }: Try,
  { cost }: Hearing,
  { user }: KnownUser,
  replace: boolean,
): Promise<void> {
  const hash = () => hashPassword(password, cost)
  const made = replace
    ? await line.take({ priority: 'stranger', who: username }, cost, MAX_HASHING_WAIT_MILLISECONDS, hash)
    : ok(null)
  await notePasswordSignIn(db, user, addressPrefix(address), made.ok ? made.value : null)
}

/**
 * Rate limits in front of everything that could be guessed: Cloudflare's, one for each location. Cheap, and not exact:
 * they tell whether a call may pass, and not how many are left.
 */

import { addressPrefix } from '../domain/address-prefix.ts'
import type { Quota, SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Client } from '../domain/session.ts'
import { GATE_SECONDS, GATE_TIMEOUT_MILLISECONDS, SIGN_IN_GATE_REQUESTS } from '../limits.ts'
import { within } from '../time-limit.ts'

/**
 * Lets a client pass: counted by its address prefix or, if it has shown itself to be a known one, by `known`. A gate
 * that does not answer stands open: what is behind it counts exactly, or takes secrets too long to be guessed. Errors:
 * `rate_limited`.
 */
export async function passGate(
  gate: RateLimit,
  purpose: 'sign-in' | 'api' | 'access-key' | 'logout',
  client: Client,
  known: string | null = null,
): Promise<Result<void, SessionError>> {
  const key = `${purpose}:${known ?? addressPrefix(client.address)}`
  const passed = await within(GATE_TIMEOUT_MILLISECONDS, 'rate limit', () => gate.limit({ key }))
  if (!passed.ok || passed.value.success) return ok()
  const quota = purpose === 'sign-in' ? { quota: SHUT } : {}
  return fail({ code: 'rate_limited', retryAfterSeconds: GATE_SECONDS, ...quota })
}

/** The gate tells only that it is shut: it opens within its period. */
const SHUT: Quota = {
  policy: 'signin-requests',
  tries: SIGN_IN_GATE_REQUESTS,
  windowSeconds: GATE_SECONDS,
  left: 0,
  secondsUntilMore: GATE_SECONDS,
}

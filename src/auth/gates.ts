/** The cheap limits in front of what is guessed at: per location, and without a count of their own. */

import { addressPrefix } from '../domain/address-prefix.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Client } from '../domain/session.ts'
import { GATE_SECONDS, GATE_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { within } from '../time-limit.ts'

/**
 * Lets a client pass, by its address prefix or, if it has proved to be one that is known, by `known`. A gate that is
 * out of order stands open: what is behind it counts exactly, or takes secrets too long to be guessed.
 * Errors: `rate_limited`.
 */
export async function passGate(
  gate: RateLimit,
  purpose: 'sign-in' | 'api' | 'access-key',
  client: Client,
  known: string | null = null,
): Promise<Result<void, SessionError>> {
  const key = `${purpose}:${known ?? addressPrefix(client.address)}`
  const passed = await within(GATE_TIMEOUT_MILLISECONDS, 'rate limit', () => gate.limit({ key }))
  return passed.ok && !passed.value.success ? fail({ code: 'rate_limited', retryAfterSeconds: GATE_SECONDS }) : ok()
}

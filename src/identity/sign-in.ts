/** Password sign-in: limited before it is hashed, alike in words and in time whatever is wrong. */
import { passGate } from '../auth/gates.ts'
import type { SessionError } from '../domain/errors.ts'
import type { Result } from '../domain/result.ts'
import type { Client } from '../domain/session.ts'
import type { ThrottleSettings } from '../settings.ts'
import type { KnownUser } from '../store/users.ts'
import { type ApplicationServer, unavailableBecause } from './application-server.ts'
import type { PasswordHashers } from './password-hashers.ts'

export interface SignInDependencies {
  readonly hashers: PasswordHashers
  readonly throttle: ThrottleSettings
  /** Checks the passwords of users in SERVER_LOGIN. */
  readonly applicationServer: ApplicationServer
  /** The first gate, by address; per location and without a count of its own. */
  readonly gate: RateLimit
}

export interface Credentials {
  /** In its one form (`normalizeUsername`). */
  readonly username: string
  readonly password: string
  /** The device, if its cookie was issued for this user name. */
  readonly device: string | null
}

/**
 * Verifies a user name and password. Takes at least the floor, whatever comes of it.
 * Errors: `invalid_credentials` (wrong, unknown, disabled and unfit alike), `locked_out`, `rate_limited`, `unavailable`.
 */
export async function signIn(
  deps: SignInDependencies,
  credentials: Credentials,
  client: Client,
  now: number,
): Promise<Result<KnownUser, SessionError>> {
  const floor = scheduler.wait(deps.throttle.floorMilliseconds)
  try {
    return await verify(deps, credentials, client, now)
  } finally {
    await floor
  }
}

async function verify(
  { hashers, throttle, gate, applicationServer }: SignInDependencies,
  credentials: Credentials,
  client: Client,
  now: number,
): Promise<Result<KnownUser, SessionError>> {
  const passed = await passGate(gate, 'sign-in', client, credentials.device)
  if (!passed.ok) return passed
  return hashers.hear(
    { ...credentials, address: client.address },
    {
      throttle,
      now,
      // A hasher of an earlier version does not say for whom.
      authenticate: async (username, password, asker = { priority: 'stranger', who: '' }) => {
        const authenticated = await applicationServer.authenticate(username, password, asker)
        return authenticated.ok ? authenticated : { ok: false, error: unavailableBecause(authenticated.error) }
      },
    },
  )
}

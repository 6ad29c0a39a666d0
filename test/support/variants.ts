/** The Worker with other variables or bindings than the tests' own, on the same storage. */
import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { SessionTokens } from '../../src/auth/session-tokens.ts'
import type { SessionToken } from '../../src/domain/token.ts'
import worker from '../../src/index.ts'
import { readSettings } from '../../src/settings.ts'
import { type RequestOptions, requestFor } from './requests.ts'

/** A Worker of its own: what it holds in memory, it shares with no other. */
export interface Variant {
  send(path: string, options?: RequestOptions): Promise<Response>
  /** Does what the platform does at a time that wrangler.toml names. */
  runCron(cron: string): Promise<void>
}

/** Starts the Worker with some of its environment replaced; undefined for what is missing. */
export function workerWith(changes: Readonly<Record<string, unknown>> = {}): Variant {
  const environment = { ...env, ...changes }
  return {
    async send(path, options) {
      const request = requestFor(path, options) as Request<unknown, IncomingRequestCfProperties>
      return worker.fetch(request, environment)
    },
    runCron: async (cron) => worker.scheduled(createScheduledController({ cron }), environment),
  }
}

/** The value of `SESSION_TOKEN_KEYS`: keys of these ids, the first one signs. Key 1 is the tests' own. */
export function tokenKeys(...ids: number[]): string {
  return ids.map((id) => `${id}:${Buffer.alloc(32, id === 1 ? 0x11 : id).toString('base64url')}`).join(',')
}

/** What signs and verifies with these keys. */
export function tokenRing(...ids: number[]): SessionTokens {
  const environment = { ...env, SESSION_TOKEN_KEYS: tokenKeys(...ids) }
  const settings = readSettings(environment)
  if (!settings.ok) throw new Error(settings.error.join())
  return new SessionTokens(settings.value.sessionTokenKeys)
}

/** What a genuine token of the tests says. */
export async function readToken(token: string): Promise<SessionToken> {
  const known = await tokenRing(1).verify(token)
  if (known === null) throw new Error('not a token of ours')
  return known
}

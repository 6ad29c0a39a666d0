/** The Worker with other variables or bindings than the tests' own, on the same storage. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src/index.ts'
import { type RequestOptions, requestFor } from './requests.ts'

/** A Worker of its own: what it holds in memory, it shares with no other. */
export interface Variant {
  send(path: string, options?: RequestOptions): Promise<Response>
}

/** Starts the Worker with some of its environment replaced; undefined for what is missing. */
export function workerWith(changes: Readonly<Record<string, unknown>> = {}): Variant {
  const environment = { ...env, ...changes }
  return {
    async send(path, options) {
      const request = requestFor(path, options) as Request<unknown, IncomingRequestCfProperties>
      return worker.fetch(request, environment, createExecutionContext())
    },
  }
}

/** The value of `SESSION_TOKEN_KEYS`: keys of these ids, the first one signs. Key 1 is the tests' own. */
export function tokenKeys(...ids: number[]): string {
  return ids.map((id) => `${id}:${Buffer.alloc(32, id === 1 ? 0x11 : id).toString('base64url')}`).join(',')
}

/** Middleware for Express, 4 or 5. */
import { requireAge } from './arguments.ts'
import type { LatchkeyClient } from './client.ts'
import { sessionEnded } from './cut.ts'
import {
  type MiddlewareOptions,
  NO_STORE,
  pageOf,
  type Refusal,
  type Requirement,
  requirement,
  sessionOf,
  varyOf,
  visit,
  visitOf,
} from './guard.ts'

export { sessionEnded } from './cut.ts'
export type { Duration, MiddlewareOptions, Requirement } from './guard.ts'
export { clientOf, sessionOf, tokenOf } from './guard.ts'

/** As much of Express's request as is looked at. */
export interface ExpressRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly method?: string | undefined
  readonly originalUrl: string
  /** The client's address, as `trust proxy` has it. */
  readonly ip?: string | undefined
}

/** As much of Express's response as is used. */
export interface ExpressResponse {
  status(code: number): this
  set(headers: Record<string, string>): this
  append(name: string, value: string | string[]): this
  send(body: string): this
  once(event: 'close', listener: () => void): this
  destroy(): this
}

export type ExpressHandler = (
  request: ExpressRequest,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => void

/** Checks each request; `sessionOf(request)` tells what was found. */
export function sessionMiddleware(
  client: LatchkeyClient,
  options: MiddlewareOptions<ExpressRequest> = {},
): ExpressHandler {
  requireAge(options.maxAge)
  return (request, response, next) => {
    const {
      cookie,
      authorization,
      accept,
      'user-agent': userAgent,
    } = request.headers as Record<string, string | undefined>
    const seen = { address: request.ip ?? null, userAgent: userAgent ?? null }
    const page = pageOf(request.method, accept, request.originalUrl)
    const facts = { cookieHeader: cookie, authorization, client: seen, page }
    visit(client, options, request, request, facts).then((refusal) => {
      // A handler that knows better sets its own.
      response.append('vary', varyOf(options)).set({ 'cache-control': NO_STORE })
      const check = visitOf(request)?.check
      if (check?.state === 'active' && check.setCookies.length > 0) response.append('set-cookie', [...check.setCookies])
      if (refusal === null) next()
      else answer(response, refusal)
    }, next)
  }
}

/** Cuts off the answer when the session of the request ends, as far as it has come by then. */
export function endWithSession(): ExpressHandler {
  return (request, response, next) => {
    if (sessionOf(request) !== null) {
      const done = new AbortController()
      response.once('close', () => done.abort())
      sessionEnded(request, { signal: done.signal }).addEventListener('abort', () => response.destroy())
    }
    next()
  }
}

/** Lets in who has a session that is enough: behind it `sessionOf(request)` is one. */
export function requireSession(asked: Requirement = {}): ExpressHandler {
  const decide = requirement(asked)
  return (request, response, next) => {
    decide(request).then((refusal) => (refusal === null ? next() : answer(response, refusal)), next)
  }
}

function answer(response: ExpressResponse, { status, headers, body }: Refusal): void {
  response
    .status(status)
    .set({ ...headers })
    .send(body)
}

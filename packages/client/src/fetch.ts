/** Middleware for whatever speaks `Request` and `Response`. */
import { requireAge } from './arguments.ts'
import type { LatchkeyClient } from './client.ts'
import {
  type Facts,
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
import type { Session } from './session.ts'

export { endWithSession, sessionEnded } from './cut.ts'
export type { Duration, MiddlewareOptions, Requirement } from './guard.ts'
export { clientOf, sessionOf, tokenOf } from './guard.ts'

/** Handles a request whose session is known; null for nobody's. */
export type Handler = (request: Request, session: Session | null) => Response | Promise<Response>

/** Makes middleware: it checks the request, hands it on, and gives the answer its headers. */
export function sessionMiddleware(
  client: LatchkeyClient,
  options: MiddlewareOptions<Request> = {},
): (request: Request, next: Handler) => Promise<Response> {
  requireAge(options.maxAge)
  return async (request, next) => {
    const refusal = await visit(client, options, request, request, factsOf(request))
    const response = refusal === null ? await next(request, sessionOf(request)) : responseOf(refusal)
    return finish(response, request, options)
  }
}

/** Makes what a handler asks first: the answer to send instead, or null if the session is enough. */
export function requireSession(asked: Requirement = {}): (request: Request) => Promise<Response | null> {
  const decide = requirement(asked)
  return async (request) => {
    const refusal = await decide(request)
    return refusal === null ? null : responseOf(refusal)
  }
}

/** What a request brings. On Workers, Cloudflare tells the address. */
export function factsOf({ headers, method, url }: Pick<Request, 'headers' | 'method' | 'url'>): Facts {
  return {
    page: pageOf(method, headers.get('accept'), url),
    cookieHeader: headers.get('cookie'),
    authorization: headers.get('authorization'),
    client: { address: headers.get('cf-connecting-ip'), userAgent: headers.get('user-agent') },
  }
}

export function responseOf({ status, headers, body }: Refusal): Response {
  return new Response(body, { status, headers })
}

/** An answer with the headers of one that depends on who asks. */
export function finish(response: Response, carrier: object, options: { readonly bearer?: boolean }): Response {
  // Headers of an answer that came by `fetch` cannot be changed.
  const finished = new Response(response.body, response)
  finished.headers.append('vary', varyOf(options))
  if (!finished.headers.has('cache-control')) finished.headers.set('cache-control', NO_STORE)
  const check = visitOf(carrier)?.check
  if (check?.state === 'active') for (const cookie of check.setCookies) finished.headers.append('set-cookie', cookie)
  return finished
}

/** Middleware for Hono. */
import type { Context, MiddlewareHandler } from 'hono'
import { requireAge } from './arguments.ts'
import type { LatchkeyClient } from './client.ts'
import { endWithSession as ended } from './cut.ts'
import { factsOf, responseOf } from './fetch.ts'
import {
  type MiddlewareOptions,
  NO_STORE,
  type Requirement,
  requirement,
  sessionOf,
  varyOf,
  visit,
  visitOf,
} from './guard.ts'
import type { Session } from './session.ts'

export { sessionEnded } from './cut.ts'
export type { Duration, MiddlewareOptions, Requirement } from './guard.ts'
export { clientOf, tokenOf } from './guard.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The session of the request; null for nobody's. */
    session: Session | null
  }
}

/**
 * Checks each request and sets `c.var.session`. The client may be made from the request's context, as where a Worker
 * has its binding in `c.env`.
 */
export function sessionMiddleware(
  client: LatchkeyClient | ((c: Context) => LatchkeyClient),
  options: MiddlewareOptions<Context> = {},
): MiddlewareHandler {
  requireAge(options.maxAge)
  return async (c, next) => {
    const found = typeof client === 'function' ? client(c) : client
    const refusal = await visit(found, options, c, c, factsOf(c.req.raw))
    c.set('session', sessionOf(c))
    if (refusal !== null) c.res = responseOf(refusal)
    else await next()
    c.header('vary', varyOf(options), { append: true })
    if (!c.res.headers.has('cache-control')) c.header('cache-control', NO_STORE)
    const check = visitOf(c)?.check
    if (check?.state === 'active')
      for (const cookie of check.setCookies) c.header('set-cookie', cookie, { append: true })
  }
}

/** Cuts off what a route streams, or its WebSocket on Workers, when the session of the request ends. */
export function endWithSession(): MiddlewareHandler {
  return async (c, next) => {
    await next()
    const response = ended(c, c.res)
    if (response === c.res) return
    // Else the headers would be those of both.
    c.res = undefined
    c.res = response
  }
}

/** Lets in who has a session that is enough: behind it `c.var.session` is one. */
export function requireSession(asked: Requirement = {}): MiddlewareHandler<{ Variables: { session: Session } }> {
  const decide = requirement(asked)
  return async (c, next) => {
    const refusal = await decide(c)
    if (refusal !== null) return responseOf(refusal)
    const session = sessionOf(c)
    if (session !== null) c.set('session', session)
    await next()
    return undefined
  }
}

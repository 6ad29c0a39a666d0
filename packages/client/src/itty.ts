/** Middleware for itty-router. */
import type { IRequest } from 'itty-router'
import { requireAge } from './arguments.ts'
import type { LatchkeyClient } from './client.ts'
import { factsOf, finish, responseOf } from './fetch.ts'
import { type MiddlewareOptions, type Requirement, requirement, visit } from './guard.ts'

export { endWithSession, sessionEnded } from './cut.ts'
export type { Duration, MiddlewareOptions, Requirement } from './guard.ts'
export { clientOf, sessionOf, tokenOf } from './guard.ts'

/** Handlers for the router's `before` and `finally`. */
export interface SessionHandlers {
  readonly before: (request: IRequest) => Promise<Response | undefined>
  readonly finally: (response: Response, request: IRequest) => Response
}

/** Makes the handlers: the first one checks each request, the last one gives the answer its headers. */
export function sessionMiddleware(client: LatchkeyClient, options: MiddlewareOptions<IRequest> = {}): SessionHandlers {
  requireAge(options.maxAge)
  return {
    async before(request) {
      const refusal = await visit(client, options, request, request, factsOf(request))
      return refusal === null ? undefined : responseOf(refusal)
    },
    finally: (response, request) => finish(response, request, options),
  }
}

/** Lets in who has a session that is enough: behind it `sessionOf(request)` is one. */
export function requireSession(asked: Requirement = {}): (request: IRequest) => Promise<Response | undefined> {
  const decide = requirement(asked)
  return async (request) => {
    const refusal = await decide(request)
    return refusal === null ? undefined : responseOf(refusal)
  }
}

/**
 * Routes as data: one list per API serves the requests, and the same list is what `/openapi.json` says.
 * Every API is an itty `Router` with its own authentication, words for errors, and last resort.
 */
import { type IRequest, type RouteEntry, Router } from 'itty-router'
import type { z } from 'zod'
import type { SessionError } from '../domain/errors.ts'
import { allowedMethods, decodeParameters, isWellFormed, pathOf, routed } from '../http/router-paths.ts'
import { causeOf } from '../time-limit.ts'
import type { RequestContext } from './context.ts'
import { schemaBehind } from './unready.ts'

/** What a handler gets: the request, its decoded path parameters, and the context. */
export type Handler = (
  request: Request,
  parameters: Record<string, string>,
  context: RequestContext,
) => Promise<Response> | Response

/** How a route knows its caller; the names of OpenAPI's security schemes. */
export type Security =
  | 'none'
  | 'session'
  | 'session_cookie'
  | 'credential'
  | 'api_client'
  | 'operator'
  | 'access_key'
  | 'access_token'

export interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  /** Default `application/json`. */
  readonly mediaType?: string
}

/** One method of one path. `path` is in itty's form (`/users/:userId`), from the API's base. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly operationId: string
  readonly summary: string
  /** Any one of these will do. */
  readonly security: readonly Security[]
  readonly query?: z.ZodObject
  readonly body?: { readonly schema: z.ZodType; readonly mediaTypes: readonly string[] }
  readonly answers: Readonly<Record<number, Answer>>
  readonly handle: Handler
}

/** An API: its place, its routes and its words. */
export interface Api {
  /** Its name in the documentation. */
  readonly name: string
  readonly base: string
  readonly routes: readonly Route[]
  /** Renders an expected failure. */
  readonly renderError: (error: SessionError, context: RequestContext) => Response
  /** Renders a bug; it has been logged. */
  readonly renderBug: (context: RequestContext) => Response
  /** Whether paths end with a slash (`always`) or never do. */
  readonly trailingSlash: 'never' | 'always'
}

export interface ServedApi {
  readonly fetch: (request: Request, context: RequestContext) => Promise<Response>
  readonly routes: readonly RouteEntry[]
}

/**
 * Serves an API. Paths are exact: itty takes `/a`, `/a/` and `/a//` for one another, we do not. A path without
 * parameters is looked up, before itty matches patterns: it wins over a pattern, wherever it stands in the list.
 */
export function serve(api: Api): ServedApi {
  const router = Router<IRequest, [RequestContext]>({
    base: api.base,
    catch: (error: unknown, _request: IRequest, context: RequestContext) => answerBug(api, error, context),
    finally: [
      (response: Response | undefined, request: IRequest, context: RequestContext) => {
        if (response !== undefined) return response
        const { pathname } = new URL(request.url)
        const allowed = exact(pathname) && isWellFormed(pathname) ? allowedMethods(router.routes, pathname) : []
        return api.renderError(
          allowed.length === 0 ? { code: 'path_not_found' } : { code: 'method_not_allowed', allowed },
          context,
        )
      },
    ],
  })
  function exact(pathname: string): boolean {
    return !pathname.includes('//') && pathname.endsWith('/') === (api.trailingSlash === 'always')
  }
  const plain = new Map<string, Route>()
  for (const route of api.routes) {
    if (!/[:*]/.test(route.path)) {
      const path = `${api.base}${route.path}`
      const slash = api.trailingSlash === 'always' && !path.endsWith('/') ? '/' : ''
      plain.set(`${route.method} ${path}${slash}`, route)
    }
    const register = router[route.method.toLowerCase() as 'get']
    register(route.path, (request: IRequest, context: RequestContext) => {
      const parameters = decodeParameters(request.params)
      if (parameters === null || !exact(new URL(request.url).pathname)) return undefined
      return route.handle(request.request as Request, parameters, context)
    })
  }
  async function handlePlain(route: Route, request: Request, context: RequestContext): Promise<Response> {
    try {
      return await route.handle(request, {}, context)
    } catch (error) {
      return answerBug(api, error, context)
    }
  }
  return {
    fetch: (request, context) => {
      const route = plain.get(`${request.method} ${pathOf(request.url)}`)
      return route === undefined ? router.fetch(routed(request), context) : handlePlain(route, request, context)
    },
    routes: router.routes,
  }
}

/** Logs an error that nobody expected, under the request's id, and answers it; the answer must say nothing of it. */
export async function answerBug(
  api: Pick<Api, 'renderBug'>,
  error: unknown,
  context: RequestContext,
): Promise<Response> {
  const behind = await schemaBehind(error, context)
  if (behind !== null) return behind
  const cause = causeOf(error)
  console.error('bug', { requestId: context.requestId, error: cause.stack ?? cause.message })
  return api.renderBug(context)
}

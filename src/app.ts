/** The whole URL map, and what every answer has. */
import { type IRequest, Router } from 'itty-router'
import type { RequestContext } from './api/context.ts'
import { openApiDocument } from './api/openapi.ts'
import { operatorApi } from './api/operator/routes.ts'
import { type Api, logBug, type Route, serve } from './api/route.ts'
import { sessionsApi } from './api/sessions/routes.ts'
import { isAllowedOrigin } from './auth/origins.ts'
import { allowOrigin, preflight } from './http/cors.ts'
import { pathOf } from './http/router-paths.ts'

const reference: Route = {
  method: 'GET',
  path: '/openapi.json',
  operationId: 'openapi',
  summary: 'This document.',
  security: ['none'],
  answers: { 200: { description: 'OpenAPI 3.1.' } },
  handle: () => Response.json(document(), { headers: { 'cache-control': 'public, max-age=300' } }),
}

/** Every API, in the order in which they are tried. */
export const apis: readonly Api[] = [
  operatorApi,
  // Last: its base is the root, so its 404 is everybody's.
  { ...sessionsApi, routes: [...sessionsApi.routes, reference] },
]

let built: object | undefined
function document(): object {
  built ??= openApiDocument(apis)
  return built
}

const operator = serve(operatorApi)
const own = serve(apis[1] as Api)

const router = Router<IRequest, [RequestContext]>()
router
  .all('/sessions/*', own.fetch) // first: the check
  .all('/operator/*', operator.fetch)
  .all('*', own.fetch)

/** Answers a request. Never throws, never redirects. */
export async function answer(request: Request, context: RequestContext): Promise<Response> {
  const allowed = (origin: string) => isAllowedOrigin(origin, context.services.settings)
  let response: Response
  try {
    response = preflight(request, allowed) ?? (await route(request, context))
  } catch (error) {
    logBug(error, context)
    response = sessionsApi.renderBug(context)
  }
  allowOrigin(request, response, allowed)
  return withCommonHeaders(request, response, context.requestId)
}

/** Gives an answer what every answer has. */
export function withCommonHeaders(request: Request, response: Response, requestId: string): Response {
  const { headers } = response
  headers.set('x-request-id', requestId)
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'no-referrer')
  headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  if (request.url.startsWith('https:')) {
    headers.set('strict-transport-security', 'max-age=63072000; includeSubDomains')
  }
  return response
}

/** The check is asked more often than all the rest: it is found without a pattern. */
function dispatch(request: Request, context: RequestContext): Promise<Response> {
  return pathOf(request.url).startsWith('/sessions/') ? own.fetch(request, context) : router.fetch(request, context)
}

/** HEAD is GET without a body; itty knows only what it was told. */
async function route(request: Request, context: RequestContext): Promise<Response> {
  if (request.method !== 'HEAD') return dispatch(request, context)
  const response = await dispatch(new Request(request, { method: 'GET' }), context)
  return new Response(null, response)
}

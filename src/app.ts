/** The whole URL map, and what every answer has. */
import { type IRequest, Router } from 'itty-router'
import { apioApi } from './api/apio/routes.ts'
import type { RequestContext } from './api/context.ts'
import { identityCenterApi } from './api/identity-center/routes.ts'
import { lookerApi, lookerBareApi } from './api/looker/routes.ts'
import { openApiDocument } from './api/openapi.ts'
import { operatorApi } from './api/operator/routes.ts'
import { type Api, logBug, type Route, serve } from './api/route.ts'
import { sessionsApi } from './api/sessions/routes.ts'
import { SLACK_PATH, slackApi } from './api/slack/routes.ts'
import { isAllowedOrigin } from './auth/origins.ts'
import { complete } from './http/common-headers.ts'
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
  slackApi,
  identityCenterApi,
  lookerApi,
  lookerBareApi,
  apioApi,
  // Last: its base is the root, so its 404 is everybody's.
  { ...sessionsApi, routes: [...sessionsApi.routes, reference] },
]

let built: object | undefined
function document(): object {
  built ??= openApiDocument(apis)
  return built
}

const operator = serve(operatorApi)
const slack = serve(slackApi)
const identityCenter = serve(identityCenterApi)
const looker = serve(lookerApi)
const lookerBare = serve(lookerBareApi)
const apio = serve(apioApi)
const own = serve(apis.at(-1) as Api)

const router = Router<IRequest, [RequestContext]>()
router
  .all('/sessions/*', own.fetch) // first: the check
  .all('/operator/*', operator.fetch)
  .all('/api/*', (request, context) =>
    SLACK_PATH.test(new URL(request.url).pathname) ? slack.fetch(request as unknown as Request, context) : undefined,
  )
  .all('/v1/*', identityCenter.fetch)
  .all('/api/4.0/*', looker.fetch)
  .all('/session_config', lookerBare.fetch)
  .all('/api/logout', lookerBare.fetch)
  .all('/api/v1/*', apio.fetch)
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
  // A body that nobody takes keeps a proxy in between from handing on the answer.
  if (request.body !== null && !request.bodyUsed) void request.body.cancel().catch(() => undefined)
  allowOrigin(request, response, allowed)
  return complete(response, context.headers)
}

/**
 * HEAD is GET without a body; itty knows only what it was told. Not where the method is signed: what was signed
 * for the one must not pass for the other.
 */
function route(request: Request, context: RequestContext): Promise<Response> {
  const path = pathOf(request.url)
  // The check is asked more often than all the rest: it is found without a pattern.
  if (request.method === 'GET' && path.startsWith('/sessions/')) return own.fetch(request, context)
  const signed = path.startsWith(`${identityCenterApi.base}/`)
  return request.method !== 'HEAD' || signed ? router.fetch(request, context) : head(request, context)
}

async function head(request: Request, context: RequestContext): Promise<Response> {
  const response = await router.fetch(new Request(request, { method: 'GET' }), context)
  return new Response(null, response)
}

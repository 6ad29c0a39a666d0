/** The whole URL map, and what every answer has. */
import { type IRequest, Router } from 'itty-router'
import { apioApi } from './api/apio/routes.ts'
import type { RequestContext } from './api/context.ts'
import { identityCenterApi } from './api/identity-center/routes.ts'
import { lookerApi, lookerBareApi } from './api/looker/routes.ts'
import { openApiDocument } from './api/openapi.ts'
import { operatorApi } from './api/operator/routes.ts'
import { problemsPage } from './api/problems-page.ts'
import { type Api, answerBug, type Route, type ServedApi, serve } from './api/route.ts'
import { sessionsApi } from './api/sessions/routes.ts'
import { slackApi } from './api/slack/routes.ts'
import { isAllowedOrigin } from './auth/origins.ts'
import { complete } from './http/common-headers.ts'
import { allowOrigin, preflight } from './http/cors.ts'
import { pathOf, routed } from './http/router-paths.ts'
import { logContext } from './log-context.ts'

const reference: Route = {
  method: 'GET',
  path: '/openapi.json',
  operationId: 'openapi',
  summary: 'This document.',
  security: ['none'],
  answers: { 200: { description: 'OpenAPI 3.1.' } },
  handle: () => Response.json(document(), { headers: { 'cache-control': 'public, max-age=300' } }),
}

const problems: Route = {
  method: 'GET',
  path: '/docs/problems',
  operationId: 'problems',
  summary: 'What each code of a refusal means.',
  security: ['none'],
  answers: { 200: { description: 'A page for people.' } },
  handle: problemsPage,
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
  { ...sessionsApi, routes: [...sessionsApi.routes, reference, problems] },
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

const to =
  (api: ServedApi) =>
  ({ request }: IRequest, context: RequestContext): Promise<Response> =>
    api.fetch(request, context)

/** Under Looker's base no segment can be empty, and its Ruby client writes `//login`. */
function withoutEmptySegments(request: Request): Request {
  const path = pathOf(request.url)
  if (!path.includes('//')) return request
  const url = new URL(request.url)
  url.pathname = path.replace(/\/{2,}/g, '/')
  return new Request(url, request)
}

const router = Router<IRequest, [RequestContext]>()
router
  .all('/sessions/*', to(own)) // first: the check
  .all('/operator/*', to(operator))
  .all('/v1/*', to(identityCenter))
  .all('/api/4.0/*', ({ request }, context) => looker.fetch(withoutEmptySegments(request), context))
  .all('/session_config', to(lookerBare))
  .all('/alive', to(lookerBare))
  .all('/versions', to(lookerBare))
  .all('/api/logout', to(lookerBare))
  .all('/api/v1/*', to(apio))
  .all('/api/:method', to(slack))
  .all('*', to(own))

/** Answers a request. Never throws, never redirects. */
export async function answer(request: Request, context: RequestContext): Promise<Response> {
  const allowed = (origin: string) => isAllowedOrigin(origin, context.services.settings)
  let response: Response
  try {
    response = preflight(request, allowed) ?? (await route(request, context))
  } catch (error) {
    response = await answerBug(sessionsApi, error, context)
  }
  if (response.status === 503) console.warn('answered 503', { requestId: context.requestId })
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
  // The check is asked more often than all the rest: it is found without a pattern, and without the microseconds of a log context.
  if (request.method === 'GET' && path.startsWith('/sessions/')) return own.fetch(request, context)
  const signed = path.startsWith(`${identityCenterApi.base}/`)
  const isHead = request.method === 'HEAD' && !signed
  const { requestId } = context
  return logContext.run({ requestId }, () => (isHead ? head(request, context) : router.fetch(routed(request), context)))
}

async function head(request: Request, context: RequestContext): Promise<Response> {
  const response = await router.fetch(routed(new Request(request, { method: 'GET' })), context)
  return new Response(null, response)
}

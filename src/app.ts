/** The whole URL map, and what every answer has. */
import { apioApi } from './api/apio/routes.ts'
import { answerBug } from './api/bugs.ts'
import type { RequestContext } from './api/context.ts'
import { devicesApi } from './api/devices/routes.ts'
import { identityCenterApi } from './api/identity-center/routes.ts'
import { lookerApi, lookerBareApi } from './api/looker/routes.ts'
import { openApiDocument } from './api/openapi.ts'
import { operatorApi } from './api/operator/routes.ts'
import { problemsPage } from './api/problems-page.ts'
import type { Api, Route } from './api/route.ts'
import { serve } from './api/serve.ts'
import { logoutApi, oauthApi, sessionsApi } from './api/sessions/routes.ts'
import { slackApi } from './api/slack/routes.ts'
import { ssfApi } from './api/ssf/routes.ts'
import { otherJurisdiction } from './api/unready.ts'
import { isAllowedOrigin } from './auth/origins.ts'
import type { CountedEvent } from './counters.ts'
import { ok } from './domain/result.ts'
import { complete } from './http/common-headers.ts'
import { allowOrigin, preflight } from './http/cors.ts'
import { log, logContext } from './log.ts'

/** The path of the check. */
const CHECK = '/sessions/current'

/** The route of a document, which is built when it is first asked for. */
function reference(
  described: Pick<Route, 'path' | 'operationId' | 'summary'>,
  documented: () => readonly Api[],
): Route {
  let built: object | undefined
  return {
    ...described,
    method: 'GET',
    security: ['none'],
    responses: { 200: { description: 'The APIs, as OpenAPI 3.1 describes them.' } },
    handle: () => {
      built ??= openApiDocument(documented())
      return ok(Response.json(built, { headers: { 'cache-control': 'public, max-age=300' } }))
    },
  }
}

/** One for each kind of reader: nobody who checks sessions reads how stores are administered. */
const references: readonly Route[] = [
  reference(
    {
      path: '/openapi.json',
      operationId: 'openapi',
      summary: 'Describe the endpoints for applications and their users for machines, as an OpenAPI document.',
    },
    () => applicationApis,
  ),
  reference(
    {
      path: '/openapi/operator.json',
      operationId: 'openapiOfOperators',
      summary: 'Describe the endpoints for operators for machines, as an OpenAPI document.',
    },
    () => [operatorApi],
  ),
  reference(
    {
      path: '/openapi/vendors.json',
      operationId: 'openapiOfVendors',
      summary: 'Describe the endpoints of the vendors’ APIs for machines, as an OpenAPI document.',
    },
    () => vendorApis,
  ),
]

const problems: Route = {
  method: 'GET',
  path: '/docs/problems',
  operationId: 'problems',
  summary: 'Explain every error code, and what to do about it.',
  security: ['none'],
  responses: { 200: { description: 'A web page with a paragraph for each code.' } },
  handle: () => ok(problemsPage()),
}

const applicationApis: readonly Api[] = [
  { ...sessionsApi, routes: [...sessionsApi.routes, ...references, problems] },
  devicesApi,
  oauthApi,
  logoutApi,
]

const vendorApis: readonly Api[] = [slackApi, identityCenterApi, lookerApi, lookerBareApi, apioApi, ssfApi]

/** Every API. The first has the check, and answers for paths that are in no API's territory. */
export const apis: readonly Api[] = [...applicationApis, operatorApi, ...vendorApis]

const served = serve(apis)

/** Answers a request. Never throws. Redirects only browsers, after a form of one of our own pages. */
export async function answer(request: Request, context: RequestContext): Promise<Response> {
  const allowed = (origin: string) => isAllowedOrigin(origin, context.services.settings)
  let response: Response
  try {
    response = preflight(request, allowed) ?? (await route(request, context))
  } catch (error) {
    response = await answerBug(sessionsApi, error, context)
  }
  if (response.status === 503) log('request.unavailable', { requestId: context.requestId })
  countRefusal(response.status, context)
  // While a body is left unread, a proxy in between may not pass the answer on.
  if (request.body !== null && !request.bodyUsed) void request.body.cancel().catch(() => undefined)
  allowOrigin(request, response, allowed)
  return complete(response, context.headers)
}

/** Which answers are counted, and as what. */
const REFUSALS: ReadonlyMap<number, CountedEvent> = new Map([
  [401, 'refused'],
  [403, 'refused'],
  [429, 'throttled'],
  [503, 'unavailable'],
])

/** Counts refusals, except those of the check: most of these are sessions that have simply ended. */
function countRefusal(status: number, { services, path }: RequestContext): void {
  const event = REFUSALS.get(status)
  if (event !== undefined && path !== CHECK) services.counters.count(event, null, String(status))
}

/**
 * Gives every log line the id of its request by a log context. The check passes its id along instead: it is by far the
 * most frequent request, and a context costs time.
 */
function route(request: Request, context: RequestContext): Promise<Response> {
  const { jurisdiction } = context.services
  // The check creates no object, since a token names one that exists: so it need not wait for D1 here.
  if (request.method === 'GET' && context.path === CHECK) {
    return jurisdiction.elsewhere === null
      ? served.fetch(request, context)
      : Promise.resolve(otherJurisdiction(jurisdiction.elsewhere, context))
  }
  return logContext.run({ requestId: context.requestId }, async () => {
    const elsewhere = await jurisdiction.look(context.now)
    return elsewhere === null ? served.fetch(request, context) : otherJurisdiction(elsewhere, context)
  })
}

/**
 * Serves all APIs from their lists, by one router. Paths are exact: itty takes `/a`, `/a/` and `/a//` for one another,
 * we do not. What is not served is told in the words of the API whose territory it is.
 */
import { type IRequest, IttyRouter, type RouteEntry } from 'itty-router'
import { allowedMethods, decodeParameters, isWellFormed, pathOf } from '../http/router-paths.ts'
import { answerBug } from './bugs.ts'
import type { RequestContext } from './context.ts'
import { PlainPaths } from './plain-paths.ts'
import type { Api, Route } from './route.ts'

export interface Served {
  readonly fetch: (request: Request, context: RequestContext) => Promise<Response>
  /** What the router serves. */
  readonly routes: readonly RouteEntry[]
}

/** The routes are tried in the order of the list, the territories from its end. */
export function serve(apis: readonly Api[]): Served {
  const router = IttyRouter<IRequest, [RequestContext]>()
  const plainPaths = new PlainPaths<(request: Request, context: RequestContext) => Promise<Response>>()
  for (const api of apis) {
    for (const route of api.routes) {
      const path = api.base + route.path
      plainPaths.note(route.method, path, (request, context) => run(api, route, request, {}, context))
      const register = router[route.method.toLowerCase() as 'get']
      register(path, ({ request, url, params }: IRequest, context: RequestContext) => {
        const parameters = decodeParameters(params)
        if (parameters === null || !isExact(api, pathOf(url))) return undefined
        if (api.refusesHead === true && request.method === 'HEAD') return undefined
        return run(api, route, request, parameters, context)
      })
    }
  }
  const routes = [...router.routes]
  for (const api of apis.toReversed()) {
    for (const pattern of api.territory) {
      router.all(pattern, ({ url }: IRequest, context: RequestContext) => {
        const path = pathOf(url)
        const allowed = isExact(api, path) && isWellFormed(path) ? allowedMethods(routes, path) : []
        return api.renderError(
          allowed.length === 0 ? { code: 'path_not_found' } : { code: 'method_not_allowed', allowed },
          context,
        )
      })
    }
  }
  const merging = apis.filter(({ mergesSlashes }) => mergesSlashes === true)

  function pathAsServed({ path }: RequestContext): string {
    return path.includes('//') && merging.some(({ base }) => path.startsWith(`${base}/`))
      ? path.replace(/\/{2,}/g, '/')
      : path
  }

  return {
    async fetch(request, context) {
      const path = pathAsServed(context)
      const plain = plainPaths.find(request.method, path)
      if (plain !== undefined) return plain(request, context)
      const isHead = request.method === 'HEAD'
      // Without the query: itty reads it in time that grows with the square of its length, and nobody looks at it.
      const routed = { method: isHead ? 'GET' : request.method, url: `http://_${path}`, request }
      const response = await router.fetch(routed, context)
      return isHead ? new Response(null, response) : response
    },
    routes,
  }
}

/**
 * Whether a path is spelled as the API's are: without `//`, and with a slash at its end exactly if the API's paths have
 * one.
 */
function isExact({ trailingSlash }: Api, path: string): boolean {
  return !path.includes('//') && path.endsWith('/') === (trailingSlash === 'always')
}

async function run(
  api: Api,
  route: Route,
  request: Request,
  parameters: Readonly<Record<string, string>>,
  context: RequestContext,
): Promise<Response> {
  try {
    const result = await route.handle(request, parameters, context)
    return result.ok ? result.value : api.renderError(result.error, context)
  } catch (error) {
    return answerBug(api, error, context)
  }
}

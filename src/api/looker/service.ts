/** What tools ask before they log in: whether the service is there, and which versions it speaks. */
import type { z } from 'zod'
import type { RequestContext } from '../context.ts'
import type { VersionsBody } from './schemas.ts'

/** `GET /alive`: the Worker answers. Its bindings are looked at by `/healthz`. */
export function alive(): Response {
  return new Response('alive', {
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}

/** The specification that the API follows. */
const RELEASE = '26.12'

/** `GET /versions`. */
export function versions(_request: Request, _parameters: Record<string, string>, context: RequestContext): Response {
  const origin = context.services.settings.publicOrigins[0] ?? ''
  const version = {
    version: '4.0',
    full_version: `4.0.${RELEASE}`,
    status: 'current',
    swagger_url: `${origin}/openapi.json`,
  }
  const body: z.infer<typeof VersionsBody> = {
    looker_release_version: RELEASE,
    current_version: version,
    supported_versions: [version],
    api_server_base_url: origin,
    web_server_base_url: origin,
  }
  return Response.json(body, { headers: { 'cache-control': 'no-store' } })
}

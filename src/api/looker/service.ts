/** What tools ask before they log in: whether the service is there, and which versions it speaks. */
import type { z } from 'zod'
import { ok, type Result } from '../../domain/result.ts'
import type { RequestContext } from '../context.ts'
import { json } from '../responses.ts'
import type { VersionsBody } from './schemas.ts'

/** `GET /alive`: the Worker answers. Its bindings are looked at by `/healthz`. */
export function alive(): Result<Response, never> {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
  return ok(new Response('alive', { headers }))
}

/** The specification that the API follows. */
const RELEASE = '26.12'

/** `GET /versions`. */
export function versions(_request: Request, _parameters: object, context: RequestContext): Result<Response, never> {
  const origin = context.services.settings.publicOrigins[0] ?? ''
  const version = {
    version: '4.0',
    full_version: `4.0.${RELEASE}`,
    status: 'current',
    swagger_url: `${origin}/openapi/vendors.json`,
  }
  const body: z.infer<typeof VersionsBody> = {
    looker_release_version: RELEASE,
    current_version: version,
    supported_versions: [version],
    api_server_base_url: origin,
    web_server_base_url: origin,
  }
  return ok(json(body))
}

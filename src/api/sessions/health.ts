import type { RequestContext } from '../context.ts'

/** `GET /healthz`: whether every binding answers, as found at most five seconds ago. */
export async function health({ services, now }: RequestContext): Promise<Response> {
  const bindings = await services.health(now)
  const healthy = Object.values(bindings).every(Boolean)
  return Response.json(
    { status: healthy ? 'ok' : 'degraded', bindings },
    { status: healthy ? 200 : 503, headers: { 'cache-control': 'no-store' } },
  )
}

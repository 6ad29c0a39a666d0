import type { RequestContext } from '../context.ts'

/** `GET /healthz`: asks every binding. */
export async function health({ services }: RequestContext): Promise<Response> {
  const bindings = await services.health()
  const healthy = Object.values(bindings).every(Boolean)
  return Response.json(
    { status: healthy ? 'ok' : 'degraded', bindings },
    { status: healthy ? 200 : 503, headers: { 'cache-control': 'no-store' } },
  )
}

import type { RequestContext } from '../context.ts'
import { howToMigrate } from '../unready.ts'

/** `GET /healthz`: whether every binding answers and the schema is this version's, as found five seconds ago at most. */
export async function health({ services, now }: RequestContext): Promise<Response> {
  const { bindings, missingMigrations } = await services.health(now)
  const behind = missingMigrations.length > 0
  const healthy = Object.values(bindings).every(Boolean) && !behind
  return Response.json(
    {
      status: healthy ? 'ok' : 'degraded',
      bindings,
      ...(behind && { missing_migrations: missingMigrations, detail: howToMigrate(missingMigrations) }),
    },
    { status: healthy ? 200 : 503, headers: { 'cache-control': 'no-store' } },
  )
}

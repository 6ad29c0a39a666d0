import { ok } from '../../domain/result.ts'
import type { RequestContext } from '../context.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { howToMigrate } from '../unready.ts'

/** `GET /healthz`: whether every binding answers and the schema is this version's, as found five seconds ago at most. */
export async function health(_request: Request, _parameters: object, { services, now }: RequestContext): HandlerResult {
  const { bindings, missingMigrations, version } = await services.health(now)
  const behind = missingMigrations.length > 0
  const healthy = Object.values(bindings).every(Boolean) && !behind
  const body = {
    status: healthy ? 'ok' : 'degraded',
    bindings,
    ...(version !== undefined && { version }),
    ...(behind && { missing_migrations: missingMigrations, detail: howToMigrate(missingMigrations) }),
  }
  return ok(json(body, healthy ? 200 : 503))
}

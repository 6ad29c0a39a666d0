/** What a service that is not set up yet says, on every path and in every API alike: what to do, in one line. */
import type { CommonHeaders } from '../http/common-headers.ts'
import { problemResponse } from '../http/problem.ts'
import { log } from '../log.ts'
import { misfits } from '../store/migrations.ts'
import type { RequestContext } from './context.ts'

/** Variables and secrets are missing or malformed, by name. */
export function notConfigured(names: readonly string[], headers: CommonHeaders): Response {
  const detail =
    `Missing or malformed: ${names.join(', ')}. Locally: npm run dev, which makes the secrets. ` +
    'On Cloudflare: npm run deploy, which says how to set them.'
  return problemResponse({ status: 503, code: 'not_configured', title: 'Not configured', detail }, headers)
}

/** The objects are in another jurisdiction than the one that is asked for, which has others, and they know nothing. */
export function otherJurisdiction(elsewhere: string, { services, headers, requestId }: RequestContext): Response {
  const said = (name: string | null) => (name ? `"${name}"` : 'empty')
  const detail =
    `JURISDICTION is ${said(services.settings.jurisdiction)}, and was ${said(elsewhere)} when the objects of this database ` +
    'were made. Set it back, or begin with another database.'
  log('deployment.other_jurisdiction', { requestId, jurisdiction: services.settings.jurisdiction, elsewhere })
  return problemResponse({ status: 503, code: 'not_configured', title: 'Not configured', detail }, headers)
}

/** The answer to an error that comes from a missing migration; null if this one does not. */
export async function schemaBehind(error: unknown, context: RequestContext): Promise<Response | null> {
  if (!misfits(error)) return null
  const missing = await context.services.missingMigrations()
  if (!missing.ok || missing.value.length === 0) return null
  const detail = howToMigrate(missing.value)
  log('deployment.schema_behind', { requestId: context.requestId, missing: missing.value })
  return problemResponse({ status: 503, code: 'schema_behind', title: 'Migration missing', detail }, context.headers)
}

/** One line for whoever runs the service. */
export function howToMigrate(missing: readonly string[]): string {
  const names =
    missing.length > 3 ? `${missing.slice(0, 3).join(', ')} and ${missing.length - 3} more` : missing.join(', ')
  return `The database lacks ${names}. Locally: npm run dev applies them. On Cloudflare: npm run deploy does.`
}

/** The Worker. */
import { clientOf, locationOf } from './api/context.ts'
import { notConfigured } from './api/unready.ts'
import { answer } from './app.ts'
import type { Env } from './env.ts'
import { wakeAllEndpoints } from './events/wake.ts'
import { commonHeaders } from './http/common-headers.ts'
import { objectsIn } from './jurisdiction.ts'
import { log, logContext } from './log.ts'
import { servicesOf } from './services.ts'
import { readSettings } from './settings.ts'
import { inSpan } from './spans.ts'
import { openDatabase } from './store/database.ts'
import { keepHouse } from './store/housekeeping.ts'

export { SessionsEntrypoint } from './entrypoint.ts'
export { EventEndpoint } from './events/event-endpoint.ts'
export { ApplicationServerCalls } from './identity/application-server-calls.ts'
export { PasswordHasher } from './identity/password-hasher.ts'
export { UserProfiles } from './identity/user-profiles.ts'
export { StoreJobs } from './sessions/jobs/store-jobs.ts'
export { UserSessions } from './sessions/object/user-sessions.ts'

/** What log lines of the hourly run say instead of a request. */
const HOUSEKEEPING = 'housekeeping'

export default {
  fetch(request, env) {
    const requestId = crypto.randomUUID()
    const headers = commonHeaders(request, requestId)
    const settings = readSettings(env)
    if (!settings.ok) {
      log('deployment.not_configured', { requestId, issues: settings.error })
      const names = settings.error.map((issue) => issue.split(':', 1)[0] ?? issue)
      return notConfigured([...new Set(names)], headers)
    }
    const context = {
      services: servicesOf(env, settings.value),
      requestId,
      headers,
      now: Date.now(),
      client: clientOf(request),
      // Only an opening asks.
      get location() {
        return locationOf(request)
      },
    }
    return answer(request, context)
  },

  async scheduled(_controller, env) {
    const settings = readSettings(env)
    if (!settings.ok) return log('deployment.not_configured', { work: HOUSEKEEPING, issues: settings.error })
    await logContext.run({ work: HOUSEKEEPING }, () =>
      inSpan('housekeeping', {}, () => keepHouse(openDatabase(env.DB), settings.value.retention, Date.now())),
    )
    await wakeAllEndpoints(openDatabase(env.DB), objectsIn(env.ENDPOINTS, settings.value.jurisdiction))
  },
} satisfies ExportedHandler<Env>

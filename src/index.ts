/** The Worker. */
import { clientOf, locationOf } from './api/context.ts'
import { notConfigured } from './api/unready.ts'
import { answer } from './app.ts'
import type { Env } from './env.ts'
import { commonHeaders } from './http/common-headers.ts'
import { pathOf } from './http/router-paths.ts'
import { log } from './log.ts'
import { runScheduled } from './scheduled.ts'
import { servicesOf } from './services.ts'
import { readSettings } from './settings.ts'

export { SessionsEntrypoint } from './entrypoint.ts'
export { EventEndpoint } from './events/event-endpoint.ts'
export { ApplicationServerCalls } from './identity/application-server-calls.ts'
export { PasswordHasher } from './identity/password-hasher.ts'
export { UserProfiles } from './identity/user-profiles.ts'
export { StoreJobs } from './sessions/jobs/store-jobs.ts'
export { UserSessions } from './sessions/object/user-sessions.ts'

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
      path: pathOf(request.url),
      // Lazy: a forged token needs neither, and only an opening the second.
      get client() {
        return clientOf(request)
      },
      get location() {
        return locationOf(request)
      },
    }
    return answer(request, context)
  },

  scheduled: ({ cron }, env) => runScheduled(cron, env),
} satisfies ExportedHandler<Env>

/** The Worker. */
import { clientOf, locationOf } from './api/context.ts'
import { notConfigured } from './api/unready.ts'
import { answer } from './app.ts'
import { cutChains, publishHeads, sealAll } from './audit/care.ts'
import { Sealing } from './auth/sealing.ts'
import type { Result } from './domain/result.ts'
import type { Env } from './env.ts'
import { wakeAllEndpoints } from './events/wake.ts'
import { commonHeaders } from './http/common-headers.ts'
import { objectsIn } from './jurisdiction.ts'
import { log, logContext } from './log.ts'
import { servicesOf } from './services.ts'
import { readSettings } from './settings.ts'
import { inSpan } from './spans.ts'
import { openDatabase } from './store/database.ts'
import { DAY_MILLISECONDS, keepHouse } from './store/housekeeping.ts'
import type { Unavailable } from './time-limit.ts'

export { SessionsEntrypoint } from './entrypoint.ts'
export { EventEndpoint } from './events/event-endpoint.ts'
export { ApplicationServerCalls } from './identity/application-server-calls.ts'
export { PasswordHasher } from './identity/password-hasher.ts'
export { UserProfiles } from './identity/user-profiles.ts'
export { StoreJobs } from './sessions/jobs/store-jobs.ts'
export { UserSessions } from './sessions/object/user-sessions.ts'

/** What log lines of the hourly run say instead of a request. */
const HOUSEKEEPING = 'housekeeping'
/** As wrangler.toml has it, beside the hourly one. */
const EACH_MINUTE = '* * * * *'

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

  /** Each minute the audit log is sealed. Each hour the rest is done too. */
  async scheduled({ cron }, env) {
    const settings = readSettings(env)
    if (!settings.ok) return log('deployment.not_configured', { work: HOUSEKEEPING, issues: settings.error })
    const { retention, sealingKeys, jurisdiction } = settings.value
    const [db, sealing, now] = [openDatabase(env.DB), new Sealing(sealingKeys), Date.now()]
    const auditBefore = now - retention.auditDays * DAY_MILLISECONDS
    await logContext.run({ work: HOUSEKEEPING }, async () => {
      await keepAuditLog('seals', () => sealAll(db, now))
      if (cron === EACH_MINUTE) return
      await inSpan('housekeeping', {}, () => keepHouse(db, retention, now))
      await keepAuditLog('cuts', () => cutChains(db, sealing, auditBefore, now))
      await keepAuditLog('heads', () => publishHeads(db, sealing, now))
    })
    if (cron !== EACH_MINUTE) await wakeAllEndpoints(db, objectsIn(env.ENDPOINTS, jurisdiction))
  },
} satisfies ExportedHandler<Env>

/** What fails is logged, and tried again by the next run. */
async function keepAuditLog(what: string, care: () => Promise<Result<void, Unavailable>>): Promise<void> {
  const done = await care()
  if (!done.ok) log('housekeeping.failed', { what: `audit log: ${what}` })
}

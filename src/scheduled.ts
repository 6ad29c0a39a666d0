/** What is done by time, and not by a request. */
import type { Result } from './domain/result.ts'
import type { Env } from './env.ts'
import { wakeAllEndpoints } from './events/wake.ts'
import { objectsIn } from './jurisdiction.ts'
import { JOBS_TIMEOUT_MILLISECONDS, STORES_AT_ONCE, STORES_IN_PAGE } from './limits.ts'
import { log, logContext } from './log.ts'
import { readSettings } from './settings.ts'
import { inSpan } from './spans.ts'
import { storesToKeep, unsealedStores } from './store/audit-chain.ts'
import { openDatabase } from './store/database.ts'
import { DAY_MILLISECONDS, keepHouse } from './store/housekeeping.ts'
import { type Unavailable, within } from './time-limit.ts'

/** What log lines say instead of a request. */
const HOUSEKEEPING = 'housekeeping'
/** As wrangler.toml has it, beside the hourly one. */
const EACH_MINUTE = '* * * * *'

/** Each minute the audit logs are sealed; each hour the rest is done. What fails is logged, and tried again by the next run. */
export async function runScheduled(cron: string, env: Env, storesInPage = STORES_IN_PAGE): Promise<void> {
  const settings = readSettings(env)
  if (!settings.ok) return log('deployment.not_configured', { work: HOUSEKEEPING, issues: settings.error })
  const { retention, jurisdiction } = settings.value
  const [db, jobs, now] = [openDatabase(env.DB), objectsIn(env.JOBS, jurisdiction), Date.now()]
  await logContext.run({ work: HOUSEKEEPING }, async () => {
    if (cron === EACH_MINUTE) {
      return keepAuditLogs(jobs, (after) => unsealedStores(db, after, storesInPage), null, storesInPage)
    }
    const cutBefore = now - retention.auditDays * DAY_MILLISECONDS
    await inSpan('housekeeping', {}, () => keepHouse(db, retention, now))
    await keepAuditLogs(jobs, (after) => storesToKeep(db, cutBefore, after, storesInPage), cutBefore, storesInPage)
  })
  if (cron !== EACH_MINUTE) await wakeAllEndpoints(db, objectsIn(env.ENDPOINTS, jurisdiction))
}

/** Has the objects of stores keep their audit logs. */
async function keepAuditLogs(
  jobs: Env['JOBS'],
  storesAfter: (after: string) => Promise<Result<readonly string[], Unavailable>>,
  cutBefore: number | null,
  storesInPage: number,
): Promise<void> {
  let failed = 0
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Result<readonly string[], Unavailable> = await storesAfter(after)
    const stores: readonly string[] = page.ok ? page.value : []
    for (let index = 0; index < stores.length; index += STORES_AT_ONCE) {
      const some = stores.slice(index, index + STORES_AT_ONCE)
      const done = await Promise.all(some.map((store) => keepAuditLog(jobs, store, cutBefore)))
      failed += done.filter((ok) => !ok).length
    }
    if (!page.ok) failed += 1
    after = stores.length < storesInPage ? undefined : stores.at(-1)
  }
  if (failed > 0) log('housekeeping.failed', { what: 'audit log', failed })
}

async function keepAuditLog(jobs: Env['JOBS'], store: string, cutBefore: number | null): Promise<boolean> {
  const kept = await within(JOBS_TIMEOUT_MILLISECONDS, 'audit log', async () =>
    jobs.get(jobs.idFromName(store)).keepAuditLog(store, cutBefore),
  )
  return kept.ok && kept.value.ok
}

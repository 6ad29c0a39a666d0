/** What is done by time, and not by a request. */
import { ok, type Result } from './domain/result.ts'
import type { Env } from './env.ts'
import { wakeAllEndpoints } from './events/wake.ts'
import { objectsIn } from './jurisdiction.ts'
import { whereObjectsAre } from './jurisdiction-guard.ts'
import { JOBS_TIMEOUT_MILLISECONDS, STORES_AT_ONCE, STORES_IN_PAGE } from './limits.ts'
import { log, logContext } from './log.ts'
import { readSettings } from './settings.ts'
import { inSpan } from './spans.ts'
import { storesToKeep, unsealedStores } from './store/audit-chain.ts'
import { openDatabase } from './store/database.ts'
import { DAY_MILLISECONDS, keepHouse } from './store/housekeeping.ts'
import { storesAfter } from './store/identity-stores.ts'
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
  const ours = jurisdiction ?? ''
  const found = await whereObjectsAre(db, ours)
  if (!found.ok) return log('housekeeping.failed', { work: HOUSEKEEPING, what: 'jurisdiction' })
  if (found.value !== null && found.value !== ours)
    return log('deployment.other_jurisdiction', { work: HOUSEKEEPING, jurisdiction, elsewhere: found.value })
  const ofStore = (store: string) => jobs.get(jobs.idFromName(store))
  await logContext.run({ work: HOUSEKEEPING }, async () => {
    if (cron === EACH_MINUTE) {
      const unsealed = (after: string) => unsealedStores(db, after, storesInPage)
      return inStores('audit log', unsealed, storesInPage, (store) => ofStore(store).keepAuditLog(store, null))
    }
    const cutBefore = now - retention.auditDays * DAY_MILLISECONDS
    await inSpan('housekeeping', {}, () => keepHouse(db, retention, now))
    const toKeep = (after: string) => storesToKeep(db, cutBefore, after, storesInPage)
    await inStores('audit log', toKeep, storesInPage, (store) => ofStore(store).keepAuditLog(store, cutBefore))
    const all = (after: string) => storesAfter(db, after, storesInPage)
    const lookAfter = async (store: string) =>
      isItsHour(jobs.idFromName(store), now) ? ofStore(store).lookAfter(store) : ok()
    await inStores('jobs', all, storesInPage, lookAfter)
  })
  if (cron !== EACH_MINUTE) await wakeAllEndpoints(db, objectsIn(env.ENDPOINTS, jurisdiction))
}

/** Whether it is the hour of the day that a store has of its own: one run may not call more than 10 000 objects. */
function isItsHour(id: DurableObjectId, now: number): boolean {
  return Number.parseInt(id.toString().slice(0, 8), 16) % 24 === new Date(now).getUTCHours()
}

/** Has something done in stores, a few at a time. */
async function inStores(
  what: string,
  storesAfter: (after: string) => Promise<Result<readonly string[], Unavailable>>,
  storesInPage: number,
  act: (store: string) => Promise<Result<void, Unavailable>>,
): Promise<void> {
  let failed = 0
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Result<readonly string[], Unavailable> = await storesAfter(after)
    const stores: readonly string[] = page.ok ? page.value : []
    for (let index = 0; index < stores.length; index += STORES_AT_ONCE) {
      const some = stores.slice(index, index + STORES_AT_ONCE)
      const done = await Promise.all(
        some.map((store) => within(JOBS_TIMEOUT_MILLISECONDS, what, async () => act(store))),
      )
      failed += done.filter((one) => !one.ok || !one.value.ok).length
    }
    if (!page.ok) failed += 1
    after = stores.length < storesInPage ? undefined : stores.at(-1)
  }
  if (failed > 0) log('housekeeping.failed', { what, failed })
}

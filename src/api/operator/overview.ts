/** What goes on in an identity store, at a glance. */
import type { z } from 'zod'
import { fail, ok } from '../../domain/result.ts'
import { readOverview } from '../../store/overview.ts'
import type { CountedHour } from '../../store/session-counters.ts'
import { parseQuery } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import type { StorePath } from './identity-stores.ts'
import { askJobs } from './jobs.ts'
import { type OverviewBody, OverviewQuery } from './overview-schemas.ts'

const HOUR_MILLISECONDS = 3_600_000

/** `GET …/overview` */
export async function getOverview(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const query = parseQuery(request, OverviewQuery)
  if (!query.ok) return query
  const [overview, jobs] = await Promise.all([
    readOverview(context.services.db, identityStoreId, query.value.hours, context.now),
    askJobs({ identity_store_id: identityStoreId }, context, (stub) => stub.list()),
  ])
  if (!overview.ok) return overview
  if (overview.value === null) return fail({ code: 'identity_store_not_found' })
  if (!jobs.ok) return jobs
  const running = jobs.value.filter(({ state }) => state === 'running')
  const failing = jobs.value.filter(({ state }) => state === 'failing')
  const { hours, lockouts, config } = overview.value
  const body: z.infer<typeof OverviewBody> = {
    live_sessions: hours[0]?.liveSessions ?? 0,
    users_with_sessions: hours[0]?.usersWithSessions ?? 0,
    source: 'mirror',
    hours: lastHours(query.value.hours, hours, context.now),
    lockouts,
    jobs: { unfinished: running.length + failing.length, failing: failing.length },
    session_config: {
      version: config.version,
      changed_at: timestamp(config.changedAt),
      changed_by: config.changedBy,
    },
  }
  return ok(json(body))
}

/** The last hours, oldest first, also those in which nothing happened. */
function lastHours(many: number, counted: readonly CountedHour[], now: number): z.infer<typeof OverviewBody>['hours'] {
  const current = now - (now % HOUR_MILLISECONDS)
  return Array.from({ length: many }, (_, index) => {
    const hour = current - (many - 1 - index) * HOUR_MILLISECONDS
    const { counts = {} } = counted.find((one) => one.hour === hour) ?? {}
    const { opened = 0, sign_in_failed = 0, locked_out = 0, ...ended } = counts
    return { hour: timestamp(hour), opened, ended, failed_sign_ins: sign_in_failed, lockouts: locked_out }
  })
}

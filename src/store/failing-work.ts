/** What does not succeed in the stores just now, so that it can be seen without asking the objects of all of them. */
import { and, eq, lt, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { FAILING_GRACE_MILLISECONDS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { failingWork } from './deployment-schema.ts'

/** Kinds that are no jobs. */
export const ENDPOINT_WORK = 'event_endpoint'
export const MIRROR_WORK = 'mirror'

export type FailingWork = typeof failingWork.$inferSelect

/** Notes that some work has failed again, or that a copy came late. Nobody waits for it: the next failure notes it too. */
export async function noteFailing(db: Database, work: FailingWork): Promise<Result<void, Unavailable>> {
  const { since, nextAt } = failingWork
  const anew = sql`excluded.kind = ${MIRROR_WORK} OR ${nextAt} + ${FAILING_GRACE_MILLISECONDS} < excluded.seen_at`
  const done = await attempt(() =>
    db
      .insert(failingWork)
      .values(work)
      .onConflictDoUpdate({
        target: [failingWork.identityStoreId, failingWork.kind, failingWork.id],
        set: {
          since: sql`iif(${anew}, excluded.since, ${since})`,
          seenAt: sql`excluded.seen_at`,
          nextAt: sql`excluded.next_at`,
        },
      }),
  )
  return done.ok ? ok() : done
}

/** Notes that some work that was failing has succeeded, or is given up. */
export async function forgetFailing(
  db: Database,
  { identityStoreId, kind, id }: Pick<FailingWork, 'identityStoreId' | 'kind' | 'id'>,
): Promise<Result<void, Unavailable>> {
  const key = and(eq(failingWork.identityStoreId, identityStoreId), eq(failingWork.kind, kind), eq(failingWork.id, id))
  const done = await attempt(() => db.delete(failingWork).where(key))
  return done.ok ? ok() : done
}

/** Removes work whose next try is long overdue: it was given up. */
export async function removeGivenUpWork(db: Database, now: number): Promise<Result<void, Unavailable>> {
  const done = await attempt(() =>
    db.delete(failingWork).where(lt(failingWork.nextAt, now - FAILING_GRACE_MILLISECONDS)),
  )
  return done.ok ? ok() : done
}

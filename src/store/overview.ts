/** What goes on in a store, in figures. So many rows are read, however large the store is. */
import { and, eq } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { countLockouts } from './lockouts.ts'
import { sessionConfigs, sessionConfigVersions } from './schema.ts'
import { type CountedHour, selectHours } from './session-counters.ts'

export interface StoreOverview {
  /** Hours in which something happened, the newest first; it has the totals. None of a store where nothing ever did. */
  readonly hours: readonly CountedHour[]
  /** Those in force; not `exact`: so many at least. */
  readonly lockouts: { readonly count: number; readonly exact: boolean }
  readonly config: { readonly version: number; readonly changedAt: number; readonly changedBy: string | null }
}

/**
 * The overview of a store; null if there is no such store. One round trip to D1, that reads no more rows than it shows.
 */
export async function readOverview(
  db: Database,
  identityStoreId: string,
  lastHours: number,
  now: number,
): Promise<Result<StoreOverview | null, Unavailable>> {
  const { version, updatedAt } = sessionConfigs
  const isVersion = and(
    eq(sessionConfigVersions.identityStoreId, identityStoreId),
    eq(sessionConfigVersions.version, version),
  )
  const read = await attempt(() =>
    db.batch([
      // One more: another machine may have begun the next hour.
      selectHours(db, identityStoreId, lastHours + 1),
      countLockouts(db, identityStoreId, now),
      db
        .select({ version, changedAt: updatedAt, changedBy: sessionConfigVersions.actor })
        .from(sessionConfigs)
        .leftJoin(sessionConfigVersions, isVersion)
        .where(eq(sessionConfigs.identityStoreId, identityStoreId)),
    ]),
  )
  if (!read.ok) return read
  const [hours, [lockouts], [config]] = read.value
  if (config === undefined || lockouts === undefined) return ok(null)
  return ok({ hours, lockouts, config })
}

/**
 * What happened in each hour of a store, and how many sessions live now. Sessions are counted by triggers (migration
 * 0008) as their records come, whichever version of the service writes them.
 */
import { desc, eq, type SQL, sql } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Database } from './database.ts'
import { sessionCounters } from './schema.ts'

/** An hour of a store. The newest one has the totals of now. */
export type CountedHour = typeof sessionCounters.$inferSelect

/** The view by which all is counted: what is inserted here is one more. */
const countedEvents = sqliteTable('counted_events', {
  identityStoreId: text('identity_store_id').notNull(),
  at: integer('at').notNull(),
  counted: text('counted').notNull(),
  /** By how much the totals change. */
  liveSessions: integer('live_sessions').notNull(),
  usersWithSessions: integer('users_with_sessions').notNull(),
})

/** The statement that counts a wrong password of a store's user, and a lockout if it `locks`. A row is written for each. */
export function countFailedSignIn(db: Database, identityStoreId: string, at: number, locks: SQL) {
  const counted = (what: string) => sql`SELECT ${identityStoreId}, ${at}, ${what}, 0, 0`
  return db
    .insert(countedEvents)
    .select(sql`${counted('sign_in_failed')} UNION ALL ${counted('locked_out')} WHERE ${locks}`)
}

/** The statement that reads a store's last hours in which something happened, the newest first. */
export function selectHours(db: Database, identityStoreId: string, limit: number) {
  return db
    .select()
    .from(sessionCounters)
    .where(eq(sessionCounters.identityStoreId, identityStoreId))
    .orderBy(desc(sessionCounters.hour))
    .limit(limit)
}

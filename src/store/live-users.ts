/** The users whom a change of a store's session config concerns: those with live sessions, and those with locations. */
import { and, asc, eq, gt, isNotNull, sql } from 'drizzle-orm'
import type { UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Session } from '../domain/session.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { configOfStore, RULES, settingsOfUser } from './rules.ts'
import { sessionConfigs, sessionSettings, sessions, users } from './schema.ts'
import { sessionIn } from './session-lists.ts'

/** A user, what holds for that user now, and where in the order of the scan the user was found. */
export interface FoundUser {
  readonly userId: string
  readonly rules: UserRules
  readonly cursor: string
}

/** A live web session as the mirror has it, and its user. */
export interface FoundSession extends FoundUser {
  readonly session: Session
}

/**
 * The next live web sessions of a store after a session id, each with its user: a user with several sessions
 * comes several times. Reads the index of live sessions, however many have ended.
 */
export async function liveSessionsAfter(
  db: Database,
  identityStoreId: string,
  after: string,
  limit: number,
): Promise<Result<readonly FoundSession[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ record: sessions, rules: RULES })
      .from(sessions)
      .innerJoin(users, and(eq(users.identityStoreId, sessions.identityStoreId), eq(users.userId, sessions.userId)))
      .innerJoin(sessionConfigs, configOfStore)
      .leftJoin(sessionSettings, settingsOfUser)
      .where(
        and(
          eq(sessions.identityStoreId, identityStoreId),
          gt(sessions.sessionId, after),
          // As the index says it: a bound value would not match.
          sql`${sessions.endedAt} IS NULL AND ${sessions.kind} = 'web'`,
        ),
      )
      .orderBy(asc(sessions.sessionId))
      .limit(limit),
  )
  if (!rows.ok) return rows
  return ok(
    rows.value.map(({ record, rules }) => ({
      userId: record.userId,
      rules,
      cursor: record.sessionId,
      session: sessionIn(record, rules.status.version),
    })),
  )
}

/** The next users of a store after a user id who have session records with a location, ended ones too. */
export function usersWithLocationAfter(
  db: Database,
  identityStoreId: string,
  after: string,
  limit: number,
): Promise<Result<readonly FoundUser[], Unavailable>> {
  // The index is named, since SQLite prefers the primary key, which leads through every record of the store.
  const found = sql`(SELECT DISTINCT user_id FROM sessions INDEXED BY sessions_with_location
    WHERE identity_store_id = ${identityStoreId} AND user_id > ${after} AND location IS NOT NULL
    ORDER BY user_id LIMIT ${limit})`
  return attempt(() =>
    db
      .select({ userId: users.userId, rules: RULES, cursor: users.userId })
      .from(users)
      .innerJoin(sessionConfigs, configOfStore)
      .leftJoin(sessionSettings, settingsOfUser)
      .where(and(eq(users.identityStoreId, identityStoreId), sql`${users.userId} IN ${found}`))
      .orderBy(asc(users.userId)),
  )
}

/**
 * Clears the locations of some users' session records, while the store keeps none. A record that its user's
 * object writes once more has no location either: the object clears its own first.
 */
export async function clearLocations(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
): Promise<Result<void, Unavailable>> {
  const done = await attempt(() =>
    db
      .update(sessions)
      .set({ location: null })
      .where(
        and(
          eq(sessions.identityStoreId, identityStoreId),
          sql`${sessions.userId} IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`,
          isNotNull(sessions.location),
          sql`NOT EXISTS (SELECT 1 FROM ${sessionConfigs} WHERE ${sessionConfigs.identityStoreId} = ${identityStoreId} AND ${sessionConfigs.trackSessionLocation})`,
        ),
      ),
  )
  return done.ok ? ok() : done
}

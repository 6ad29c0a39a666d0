/** Users who are locked for an address after too many wrong passwords, as administrators see them. */
import { type SQL, sql } from 'drizzle-orm'
import type { Party, Role } from '../domain/authority.ts'
import { NO_STORE } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import { MAX_SCANNED_ROWS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEntry } from './audit-events.ts'
import { auditView, insertRowEvent } from './audited-row.ts'
import { type ScannedPage, scan } from './bounded-scan.ts'
import { attempt, type Database } from './database.ts'
import { signInAttempts } from './schema.ts'
import type { User } from './users.ts'

/** A user who is locked for an address. */
export interface Lockout {
  /** Its id: a hash, which says nothing of what is counted. */
  readonly id: string
  readonly address: string
  readonly attempts: number
  readonly lockedAt: number
  readonly lockedUntil: number
  readonly user: Party & Pick<User, 'username' | 'firstName' | 'lastName' | 'emailAddress'>
}

/** After which lockout a page begins. */
export type LockoutCursor = Pick<Lockout, 'id' | 'lockedAt'>

/** The lockouts in force of a store's users, the newest first. */
export async function listLockouts(
  db: Database,
  identityStoreId: string,
  now: number,
): Promise<Result<readonly Lockout[], Unavailable>> {
  const rows = await attempt(() =>
    db.all<Row>(
      sql`SELECT * FROM (${lockoutsOfStore(identityStoreId, null)}) WHERE ${inForce(now)} ORDER BY ${NEWEST_FIRST}`,
    ),
  )
  return rows.ok ? ok(rows.value.map(lockout)) : rows
}

/** A page of the same, older than `cursor`. */
export function scanLockouts(
  db: Database,
  identityStoreId: string,
  cursor: LockoutCursor | null,
  limit: number,
  now: number,
): Promise<Result<ScannedPage<Lockout>, Unavailable>> {
  return scan(db, {
    from: lockoutsOfStore(identityStoreId, cursor),
    order: NEWEST_FIRST,
    filter: inForce(now),
    limit,
    toRow: (row) => lockout(row as unknown as Row),
  })
}

/** The statement that counts the same, to a bound. */
export function countLockouts(db: Database, identityStoreId: string, now: number) {
  return db
    .select({
      count: sql<number>`count(*) FILTER (WHERE ${inForce(now)})`,
      exact: sql`count(*) < ${MAX_SCANNED_ROWS}`.mapWith(Boolean),
    })
    .from(sql`(${lockoutsOfStore(identityStoreId, null)} LIMIT ${MAX_SCANNED_ROWS})`)
}

/** One lockout in force of a user of the store; null if there is none. */
export async function findLockout(
  db: Database,
  identityStoreId: string,
  id: string,
  now: number,
): Promise<Result<Lockout | null, Unavailable>> {
  const one = sql`${lockouts(sql``)} WHERE a.identity_store_id = ${NO_STORE} AND a.subject = ${id} AND a.user_store_id = ${identityStoreId}`
  const rows = await attempt(() => db.all<Row>(sql`SELECT * FROM (${one}) WHERE ${inForce(now)}`))
  if (!rows.ok) return rows
  const [row] = rows.value
  return ok(row === undefined ? null : lockout(row))
}

const VIEW = auditView(signInAttempts, ['address', 'attempts'])

/** Ends a lockout: what was counted is forgotten. The audit event is in the same transaction. */
export async function endLockout(
  db: Database,
  { id, user }: Lockout,
  entry: AuditEntry,
): Promise<Result<void, Unavailable>> {
  const t = signInAttempts
  const row = sql`${t.identityStoreId} = ${NO_STORE} AND ${t.subject} = ${id}`
  const done = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, row, null, sql`${t.username} = ${user.username}`),
      db.delete(t).where(row),
    ]),
  )
  return done.ok ? ok() : done
}

const NEWEST_FIRST = sql`locked_at DESC, subject DESC`

/** SQL of lockouts with their users, by an index, or by the primary key. */
function lockouts(index: SQL): SQL {
  return sql`SELECT a.subject, a.address, a.attempts, a.locked_at, a.locked_until,
  u.identity_store_id, u.user_id, u.role, u.bot, u.username, u.first_name, u.last_name, u.email_address
FROM sign_in_attempts AS a${index} LEFT JOIN users AS u ON u.username = a.username AND u.identity_store_id = a.user_store_id`
}

/** SQL of a store's lockouts along their index, also of those that are over. */
function lockoutsOfStore(identityStoreId: string, cursor: LockoutCursor | null): SQL {
  const older = cursor === null ? sql`` : sql` AND (a.locked_at, a.subject) < (${cursor.lockedAt}, ${cursor.id})`
  return sql`${lockouts(sql` INDEXED BY lockouts_of_store_newest_first`)}
WHERE a.user_store_id = ${identityStoreId} AND a.locked_until IS NOT NULL${older}`
}

/** SQL of whether a lockout is of a user who is there, for an address, and not over. */
function inForce(now: number): SQL {
  return sql`user_id IS NOT NULL AND address IS NOT NULL AND locked_at IS NOT NULL AND locked_until > ${now}`
}

interface Row {
  readonly subject: string
  readonly address: string
  readonly attempts: number
  readonly locked_at: number
  readonly locked_until: number
  readonly identity_store_id: string
  readonly user_id: string
  readonly role: Role
  readonly bot: number
  readonly username: string
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email_address: string | null
}

function lockout(row: Row): Lockout {
  return {
    id: row.subject,
    address: row.address,
    attempts: row.attempts,
    lockedAt: row.locked_at,
    lockedUntil: row.locked_until,
    user: {
      identityStoreId: row.identity_store_id,
      userId: row.user_id,
      role: row.role,
      bot: row.bot === 1,
      username: row.username,
      firstName: row.first_name,
      lastName: row.last_name,
      emailAddress: row.email_address,
    },
  }
}

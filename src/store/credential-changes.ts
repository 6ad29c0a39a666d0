/** What becomes of a credential after it is made: it is used, renamed, given a new secret. */

import { and, isNull, lte, or, type SQL, sql } from 'drizzle-orm'
import { fail, ok, type Result } from '../domain/result.ts'
import { CREDENTIAL_USE_MILLISECONDS, MAX_PREVIOUS_SECRETS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { auditView, insertRowEvent, rowExists } from './audited-row.ts'
import { type Credential, credentialFrom, isCredential, isLive } from './credentials.ts'
import { attempt, type Database } from './database.ts'
import { credentials } from './schema.ts'

/** A credential of a store, whatever its kind and state; null if there is none. */
export async function findCredentialOfStore(
  db: Database,
  identityStoreId: string,
  credentialId: string,
): Promise<Result<Credential | null, Unavailable>> {
  const rows = await attempt(() => db.select().from(credentials).where(isCredential(identityStoreId, credentialId)))
  if (!rows.ok) return rows
  const row = rows.value[0]
  return ok(row === undefined ? null : credentialFrom(row))
}

/** Writes down that a credential was used, unless that was done within the hour. */
export async function noteUse(
  db: Database,
  { identityStoreId, credentialId }: Pick<Credential, 'identityStoreId' | 'credentialId'>,
  now: number,
): Promise<Result<void, Unavailable>> {
  const { lastUsedAt } = credentials
  const due = or(isNull(lastUsedAt), lte(lastUsedAt, now - CREDENTIAL_USE_MILLISECONDS))
  const done = await attempt(() =>
    db
      .update(credentials)
      .set({ lastUsedAt: now })
      .where(and(isCredential(identityStoreId, credentialId), due)),
  )
  return done.ok ? ok() : done
}

const NAME = auditView(credentials, ['name'])

/** Gives a credential another name. Null if there is none. */
export async function renameCredential(
  db: Database,
  credentialId: string,
  name: string,
  entry: AuditEntry,
): Promise<Result<Credential | null, Unavailable>> {
  const key = isCredential(entry.identityStoreId, credentialId)
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, NAME, key, { name }),
      db.update(credentials).set({ name }).where(key).returning(),
    ]),
  )
  if (!written.ok) return written
  const row = written.value[1][0]
  return ok(row === undefined ? null : credentialFrom(row))
}

/** Why a credential has got no new secret. */
export type RotationFault =
  | { readonly code: 'credential_not_found' }
  /** It is revoked, expired or a temporary key. */
  | { readonly code: 'not_rotatable' }
  | { readonly code: 'too_many_secrets' }

/**
 * Gives a credential a new secret. The one that it has is good until `oldUntil` (epoch milliseconds), and earlier ones
 * for as long as they were; null: all of them end now.
 */
export async function rotateCredential(
  db: Database,
  credentialId: string,
  secret: Pick<Credential, 'secretHash' | 'sealedSecret'>,
  oldUntil: number | null,
  entry: AuditEntry,
): Promise<Result<Credential, Unavailable | RotationFault>> {
  const { identityStoreId, at } = entry
  const key = isCredential(identityStoreId, credentialId)
  const rotatable = sql`${key} AND parent_credential_id IS NULL AND ${isLive(sql`credentials`, at)}`
  const target = sql`${rotatable} AND ${oldUntil === null ? sql`true` : sql`${stillGood('count(*)', at)} < ${MAX_PREVIOUS_SECRETS}`}`
  const until = oldUntil === null ? null : new Date(oldUntil).toISOString()
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: null,
        after: sql`json_object('old_secret_valid_until', ${until})`,
        where: rowExists(credentials, target),
      }),
      db
        .update(credentials)
        .set({
          ...secret,
          previousSecrets:
            oldUntil === null
              ? '[]'
              : sql`json_insert(${stillGood('json_group_array(json(value))', at)}, '$[#]',
  json_object('secret_hash', secret_hash, 'sealed_secret', sealed_secret, 'valid_until', ${oldUntil}))`,
        })
        .where(target)
        .returning(),
      db
        .select({ rotatable: sql<number>`${rotatable}`.as('rotatable') })
        .from(credentials)
        .where(key),
    ]),
  )
  if (!written.ok) return written
  const [, [row], [found]] = written.value
  if (row !== undefined) return ok(credentialFrom(row))
  if (found === undefined) return fail({ code: 'credential_not_found' })
  return fail({ code: found.rotatable === 1 ? 'too_many_secrets' : 'not_rotatable' })
}

/** SQL of something about a credential's earlier secrets that are still good. */
function stillGood(what: string, now: number): SQL {
  return sql`(SELECT ${sql.raw(what)} FROM json_each(previous_secrets) WHERE value ->> 'valid_until' > ${now})`
}

/** OpenID providers of identity stores, and the users behind their subjects. */
import { and, eq, getTableColumns, isNull, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { auditView, insertRowEvent, shownRow, shownValues } from './audited-row.ts'
import { attempt, attemptUnique, type Database } from './database.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'
import { openidProviders } from './openid-schema.ts'
import { identityStores, users } from './schema.ts'

/** A store's OpenID provider. The client secret is sealed for the store. */
export type OpenIdProvider = typeof openidProviders.$inferSelect

/** What an operator says about a provider. */
export type OpenIdProviderFields = Pick<OpenIdProvider, 'issuer' | 'clientId' | 'sealedClientSecret' | 'redirectUri'>

/** Without the client secret. */
const VIEW = auditView(openidProviders, ['issuer', 'clientId', 'redirectUri'])

/** The provider of a store that is not deleted, or null. */
export function findOpenIdProvider(
  db: Database,
  identityStoreId: string,
): Promise<Result<OpenIdProvider | null, Unavailable>> {
  return find(db, eq(openidProviders.identityStoreId, identityStoreId))
}

/** The provider whose codes come to this redirect URI, or null. */
export function findOpenIdProviderByRedirectUri(
  db: Database,
  redirectUri: string,
): Promise<Result<OpenIdProvider | null, Unavailable>> {
  return find(db, eq(openidProviders.redirectUri, redirectUri))
}

async function find(db: Database, which: ReturnType<typeof eq>): Promise<Result<OpenIdProvider | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select(getTableColumns(openidProviders))
      .from(openidProviders)
      .innerJoin(identityStores, eq(identityStores.identityStoreId, openidProviders.identityStoreId))
      .where(and(which, isNull(identityStores.deletedAt))),
  )
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

/** Another store's provider has the redirect URI. */
export interface RedirectUriTaken {
  readonly code: 'redirect_uri_taken'
}

/** Sets a store's provider. Subjects of other issuers are forgotten: they name other people there. Null: no such store. */
export async function putOpenIdProvider(
  db: Database,
  fields: OpenIdProviderFields,
  entry: AuditEntry,
): Promise<Result<OpenIdProvider | null, Unavailable | RedirectUriTaken>> {
  const { identityStoreId, at } = entry
  const exists = storeExists(identityStoreId)
  const written = await attemptUnique({ 'openid_providers.redirect_uri': 'redirect_uri_taken' }, () =>
    db.batch([
      db
        .update(users)
        .set({ openidSubject: null, openidIssuer: null })
        .where(
          sql`${exists} AND ${users.identityStoreId} = ${identityStoreId} AND ${users.openidSubject} IS NOT NULL
            AND ${users.openidIssuer} IS NOT ${fields.issuer}`,
        ),
      insertAuditEvent(db, entry, {
        before: shownRow(VIEW, ofStore(identityStoreId)),
        after: sql`${JSON.stringify(shownValues(VIEW, fields))}`,
        where: exists,
      }),
      insertWhere(db, openidProviders, { identityStoreId, ...fields, createdAt: at, updatedAt: at }, exists)
        .onConflictDoUpdate({ target: openidProviders.identityStoreId, set: { ...fields, updatedAt: at } })
        .returning(),
    ]),
  )
  return written.ok ? ok(written.value[2][0] ?? null) : written
}

/** Removes a store's provider. False if there was none. */
export async function deleteOpenIdProvider(db: Database, entry: AuditEntry): Promise<Result<boolean, Unavailable>> {
  const { identityStoreId } = entry
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, ofStore(identityStoreId), null),
      db.delete(openidProviders).where(ofStore(identityStoreId)).returning({ issuer: openidProviders.issuer }),
    ]),
  )
  return written.ok ? ok(written.value[1].length > 0) : written
}

/**
 * The user of a subject of the store's provider. Without one: the only user of the store who has the verified address
 * from an operator and no subject there yet; the subject is the user's from then on. Null: there is nobody, or more
 * than one could be meant.
 */
export async function findUserOfSubject(
  db: Database,
  { identityStoreId, issuer }: Pick<OpenIdProvider, 'identityStoreId' | 'issuer'>,
  subject: string,
  verifiedEmail: string | null,
): Promise<Result<UserKey | null, Unavailable>> {
  const known = await attempt(() =>
    db
      .select({ userId: users.userId })
      .from(users)
      .where(
        and(
          eq(users.identityStoreId, identityStoreId),
          eq(users.openidSubject, subject),
          eq(users.openidIssuer, issuer),
          isNull(users.deletedAt),
        ),
      ),
  )
  if (!known.ok) return known
  const found = known.value[0]
  if (found !== undefined) return ok({ identityStoreId, userId: found.userId })
  if (verifiedEmail === null) return ok(null)

  // SQLite's `lower` knows ASCII alone, as addresses do: no other letter becomes one of these. And an address
  // that the user wrote could be anybody's.
  const named = sql`SELECT named.user_id FROM ${users} AS named
    WHERE named.identity_store_id = ${identityStoreId} AND lower(named.email_address) = lower(${verifiedEmail})`
  const candidates = sql`${users.identityStoreId} = ${identityStoreId} AND ${users.userId} IN (${named})
    AND ${users.deletedAt} IS NULL AND NOT ${users.emailByUser}`
  const linked = await attempt(() =>
    db
      .update(users)
      .set({ openidSubject: subject, openidIssuer: issuer })
      .where(
        // A sign-in at the same time may have given it just this subject.
        sql`${candidates} AND (${users.openidIssuer} IS NOT ${issuer} OR ${users.openidSubject} = ${subject})
          AND (SELECT count(*) FROM ${users} WHERE ${candidates}) = 1
          AND NOT EXISTS (SELECT 1 FROM ${users} AS other WHERE other.identity_store_id = ${identityStoreId}
            AND other.openid_subject = ${subject} AND other.user_id <> ${users.userId})`,
      )
      .returning({ userId: users.userId }),
  )
  if (!linked.ok) return linked
  const user = linked.value[0]
  return ok(user === undefined ? null : { identityStoreId, userId: user.userId })
}

/** SQL of the issuer of a store's provider; null if it has none. */
export function issuerOfStore(identityStoreId: string) {
  return sql`(SELECT ${openidProviders.issuer} FROM ${openidProviders} WHERE ${ofStore(identityStoreId)})`
}

function ofStore(identityStoreId: string) {
  return sql`${openidProviders.identityStoreId} = ${identityStoreId}`
}

/**
 * The chain of audit events as D1 keeps it. A trigger gives each event its place as it is committed; sealing, telling of
 * heads and cutting are each one transaction on a condition, so that whoever comes second, or again, changes nothing.
 */
import { and, eq, getTableColumns, gt, lte, type SQL, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { firstIdAt } from '../domain/session-id.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEvent } from './audit-events.ts'
import { auditChains, auditEvents, auditKeys, auditPlaces } from './audit-schema.ts'
import { attempt, type Database } from './database.ts'
import { eventStores } from './event-schema.ts'

/** What is kept of a store's chain. */
export type AuditChain = typeof auditChains.$inferSelect
/** A key that signs. */
export type AuditKey = typeof auditKeys.$inferSelect

/** A place, and the event that stands there; null: it is gone. */
export interface PlacedEvent {
  readonly number: number
  readonly eventId: string
  readonly event: AuditEvent | null
  readonly mayBeErased: boolean
}

/** What is written of an event when it is sealed. */
export interface SealRow {
  readonly eventId: string
  readonly number: number
  readonly salt: string | null
  readonly bodyHash: string
  readonly previousHash: string
  readonly hash: string
  readonly about: string | null
}

/** The hash before the first event. */
const GENESIS = '0'.repeat(64)

/** Stores after one, by id, whose last event is not sealed. From store to store it is one step. */
export function unsealedStores(
  db: Database,
  after: string,
  limit: number,
): Promise<Result<readonly string[], Unavailable>> {
  const unsealed = sql`(SELECT max(number) FROM audit_places WHERE identity_store_id = id)
  > coalesce((SELECT sealed_number FROM audit_chains WHERE identity_store_id = id), 0)`
  return storesWhere(db, after, unsealed, limit)
}

/** Stores after one, by id, that have events of before an instant, or want to be told of a head. */
export function storesToKeep(
  db: Database,
  before: number,
  after: string,
  limit: number,
): Promise<Result<readonly string[], Unavailable>> {
  const old = sql`EXISTS (SELECT 1 FROM audit_events AS old WHERE old.identity_store_id = id AND old.event_id < ${firstIdAt(before)})`
  const grown = sql`EXISTS (SELECT 1 FROM event_stores AS wants WHERE wants.identity_store_id = id AND wants.recording)
  AND (SELECT max(number) FROM audit_places WHERE identity_store_id = id)
  > coalesce((SELECT published_number FROM audit_chains WHERE identity_store_id = id), 0)`
  return storesWhere(db, after, sql`(${old} OR ${grown})`, limit)
}

async function storesWhere(
  db: Database,
  after: string,
  condition: SQL,
  limit: number,
): Promise<Result<readonly string[], Unavailable>> {
  const rows = await attempt(() =>
    db.all<{ id: string }>(sql`WITH RECURSIVE stores (id) AS (
SELECT min(identity_store_id) FROM audit_places WHERE identity_store_id > ${after}
UNION ALL
SELECT (SELECT min(identity_store_id) FROM audit_places WHERE identity_store_id > stores.id)
FROM stores WHERE stores.id IS NOT NULL)
SELECT id FROM stores WHERE id IS NOT NULL AND ${condition} LIMIT ${limit}`),
  )
  return rows.ok ? ok(rows.value.map(({ id }) => id)) : rows
}

/** A store's chain as it stands, and what is next to be sealed: both of one moment. */
export async function readUnsealed(
  db: Database,
  identityStoreId: string,
  limit: number,
): Promise<Result<{ readonly chain: AuditChain; readonly places: readonly PlacedEvent[] }, Unavailable>> {
  const read = await attempt(() =>
    db.batch([
      db
        .insert(auditChains)
        .values({
          identityStoreId,
          sealedNumber: 0,
          sealedHash: GENESIS,
          erasures: 0,
          cutNumber: 0,
          cutHash: GENESIS,
          publishedNumber: 0,
        })
        .onConflictDoNothing(),
      chainOf(db, identityStoreId),
      db
        .select({
          ...PLACED,
          event: { ...getTableColumns(auditEvents), about: sql<string | null>`${ABOUT}`.as('about_user') },
        })
        .from(auditPlaces)
        .leftJoin(auditEvents, STANDS_THERE)
        .where(
          and(
            eq(auditPlaces.identityStoreId, identityStoreId),
            sql`${auditPlaces.number} > (SELECT ${auditChains.sealedNumber} FROM ${auditChains} WHERE ${auditChains.identityStoreId} = ${identityStoreId})`,
          ),
        )
        .orderBy(auditPlaces.number)
        .limit(limit),
    ]),
  )
  if (!read.ok) return read
  const [, [chain], rows] = read.value
  if (chain === undefined) throw new Error('a chain that was just made is not there')
  return ok({ chain, places: rows.map((row) => ({ ...row, mayBeErased: false })) })
}

/** The event has these too. */
const PLACED = {
  number: sql<number>`${auditPlaces.number}`.as('place'),
  eventId: sql<string>`${auditPlaces.eventId}`.as('place_event_id'),
}
const STANDS_THERE = and(
  eq(auditEvents.identityStoreId, auditPlaces.identityStoreId),
  eq(auditEvents.eventId, auditPlaces.eventId),
)
/** SQL of the user whom an event of a credential is about. */
const ABOUT = sql`CASE WHEN ${auditEvents.subject} LIKE 'credential:%' THEN (SELECT 'user:' || credential.owner_user_id
FROM credentials AS credential WHERE credential.identity_store_id = ${auditEvents.identityStoreId}
AND credential.credential_id = substr(${auditEvents.subject}, 12)) END`

/**
 * Seals events, if the chain still is as it was read, and none of them was erased since. Answers whether they are sealed
 * by this very call.
 * @param to the last place that was looked at, and the hash of the last event
 */
export async function writeSeals(
  db: Database,
  seen: AuditChain,
  seals: readonly SealRow[],
  to: { readonly number: number; readonly hash: string },
  at: number,
): Promise<Result<boolean, Unavailable>> {
  const { identityStoreId, sealedNumber, erasures } = seen
  const asSeen = 'identity_store_id = ?1 AND sealed_number = ?2 AND erasures = ?3'
  const rows = JSON.stringify(
    seals.map(({ eventId, number, salt, bodyHash, previousHash, hash, about }) => {
      // With the store in each row SQLite goes from row to event, never from event to row.
      return [identityStoreId, eventId, number, salt, bodyHash, previousHash, hash, about]
    }),
  )
  const { $client: d1 } = db
  const written = await attempt(() =>
    d1.batch([
      d1
        .prepare(
          `UPDATE audit_events SET number = seal.value ->> 2, salt = seal.value ->> 3, body_hash = seal.value ->> 4,
             previous_hash = seal.value ->> 5, hash = seal.value ->> 6, about = seal.value ->> 7
           FROM json_each(?4) AS seal
           WHERE audit_events.identity_store_id = seal.value ->> 0 AND audit_events.event_id = seal.value ->> 1
             AND EXISTS (SELECT 1 FROM audit_chains WHERE ${asSeen})`,
        )
        .bind(identityStoreId, sealedNumber, erasures, rows),
      d1
        .prepare(`UPDATE audit_chains SET sealed_number = ?4, sealed_hash = ?5, sealed_at = ?6 WHERE ${asSeen}`)
        .bind(identityStoreId, sealedNumber, erasures, to.number, to.hash, at),
    ]),
  )
  return written.ok ? ok((written.value[1]?.meta.changes ?? 0) > 0) : written
}

/** A stretch of a store's chain. */
export interface ChainStretch {
  /** Null: nothing was sealed yet. */
  readonly chain: AuditChain | null
  /** The last number that was given. */
  readonly lastNumber: number
  readonly places: readonly PlacedEvent[]
  /** The event of the number after which the stretch begins, as far as it is there. */
  readonly before: { readonly eventId: string; readonly hash: string | null } | null
}

/** The sealed places after a number, in their order. */
export async function readChain(
  db: Database,
  identityStoreId: string,
  after: number,
  limit: number,
): Promise<Result<ChainStretch, Unavailable>> {
  const ofStore = eq(auditPlaces.identityStoreId, identityStoreId)
  const isSealed = lte(
    auditPlaces.number,
    sql`(SELECT ${auditChains.sealedNumber} FROM ${auditChains} WHERE ${auditChains.identityStoreId} = ${identityStoreId})`,
  )
  const read = await attempt(() =>
    db.batch([
      chainOf(db, identityStoreId),
      db
        .select({ number: sql<number | null>`max(${auditPlaces.number})` })
        .from(auditPlaces)
        .where(ofStore),
      db
        .select({ ...PLACED, event: getTableColumns(auditEvents), mayBeErased: MAY_BE_ERASED.as('may_be_erased') })
        .from(auditPlaces)
        .leftJoin(auditEvents, STANDS_THERE)
        .where(and(ofStore, gt(auditPlaces.number, after), isSealed))
        .orderBy(auditPlaces.number)
        .limit(limit),
      db
        .select({ eventId: auditPlaces.eventId, hash: auditEvents.hash })
        .from(auditPlaces)
        .leftJoin(auditEvents, STANDS_THERE)
        .where(and(ofStore, eq(auditPlaces.number, after))),
    ]),
  )
  if (!read.ok) return read
  const [[chain], [last], places, [before]] = read.value
  return ok({ chain: chain ?? null, lastNumber: last?.number ?? 0, places, before: before ?? null })
}

/** SQL of whether the user whom an event is about was deleted when it happened, or later. Asked where the body is gone. */
const MAY_BE_ERASED = sql<number>`(${auditEvents.salt} IS NULL AND EXISTS (SELECT 1 FROM audit_events AS deletion
INDEXED BY audit_events_by_subject WHERE deletion.identity_store_id = ${auditEvents.identityStoreId}
AND deletion.subject = coalesce(${auditEvents.about}, ${auditEvents.subject})
AND deletion.action = 'user.deleted' AND (deletion.number IS NULL OR deletion.number >= ${auditEvents.number})))`.mapWith(
  Boolean,
)

/** Events without a place, or with another's, of those after an event; and the last that was looked at. */
export interface Unplaced {
  readonly events: readonly Pick<AuditEvent, 'eventId' | 'number'>[]
  /** Null: there are no more. */
  readonly last: string | null
  readonly looked: number
}

/** Looks at so many events by their ids, whether each has its place. */
export async function findUnplaced(
  db: Database,
  identityStoreId: string,
  after: string,
  limit: number,
): Promise<Result<Unplaced, Unavailable>> {
  const rows = await attempt(() =>
    db.all<{ event_id: string; number: number | null; placed: number }>(sql`SELECT event_id, number, CASE
WHEN number IS NULL THEN EXISTS (SELECT 1 FROM audit_places AS place WHERE place.identity_store_id = ${identityStoreId}
  AND place.number > coalesce((SELECT sealed_number FROM audit_chains WHERE identity_store_id = ${identityStoreId}), 0)
  AND place.event_id = event.event_id)
ELSE EXISTS (SELECT 1 FROM audit_places AS place WHERE place.identity_store_id = ${identityStoreId}
  AND place.number = event.number AND place.event_id = event.event_id) END AS placed
FROM audit_events AS event WHERE event.identity_store_id = ${identityStoreId} AND event.event_id > ${after}
ORDER BY event.event_id LIMIT ${limit}`),
  )
  if (!rows.ok) return rows
  const events = rows.value.filter(({ placed }) => placed === 0)
  return ok({
    events: events.map(({ event_id: eventId, number }) => ({ eventId, number })),
    last: rows.value.length < limit ? null : (rows.value.at(-1)?.event_id ?? null),
    looked: rows.value.length,
  })
}

/** The chain of a store that wants events, if it has grown since it was last told of. */
export async function findUnpublished(
  db: Database,
  identityStoreId: string,
): Promise<Result<AuditChain | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select(getTableColumns(auditChains))
      .from(eventStores)
      .innerJoin(auditChains, eq(auditChains.identityStoreId, eventStores.identityStoreId))
      .where(
        and(
          eq(eventStores.identityStoreId, identityStoreId),
          eq(eventStores.recording, true),
          gt(auditChains.sealedNumber, auditChains.publishedNumber),
        ),
      ),
  )
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

/** Tells of a head in the events, unless another has told of one since the chain was read. */
export async function writeHead(
  db: Database,
  seen: AuditChain,
  data: Readonly<Record<string, unknown>>,
  at: number,
): Promise<Result<void, Unavailable>> {
  const { identityStoreId, sealedNumber, publishedNumber } = seen
  const asSeen = 'identity_store_id = ?1 AND published_number = ?2'
  const { $client: d1 } = db
  const written = await attempt(() =>
    d1.batch([
      d1
        .prepare(
          `INSERT INTO told_events (identity_store_id, type, at, data)
           SELECT ?1, 'audit.head', ?3, ?4 WHERE EXISTS (SELECT 1 FROM audit_chains WHERE ${asSeen})`,
        )
        .bind(identityStoreId, publishedNumber, at, JSON.stringify(data)),
      d1
        .prepare(`UPDATE audit_chains SET published_number = ?3, published_at = ?4 WHERE ${asSeen}`)
        .bind(identityStoreId, publishedNumber, sealedNumber, at),
    ]),
  )
  return written.ok ? ok() : written
}

/**
 * Cuts a chain: removes the events up to a number, and says so. Nothing happens where it was cut meanwhile.
 * @param cut the point, signed
 */
export async function writeCut(
  db: Database,
  seen: AuditChain,
  to: { readonly number: number; readonly hash: string },
  cut: string,
): Promise<Result<void, Unavailable>> {
  const { identityStoreId, cutNumber } = seen
  const ofStore = eq(auditPlaces.identityStoreId, identityStoreId)
  const written = await attempt(() =>
    db.batch([
      db
        .update(auditChains)
        .set({ cutNumber: to.number, cutHash: to.hash, cut })
        .where(
          and(
            eq(auditChains.identityStoreId, identityStoreId),
            eq(auditChains.cutNumber, cutNumber),
            sql`${auditChains.sealedNumber} >= ${to.number}`,
          ),
        ),
      // Triggers let those go that are before the cut, and no others.
      db
        .delete(auditEvents)
        .where(
          and(
            eq(auditEvents.identityStoreId, identityStoreId),
            sql`${auditEvents.eventId} IN (SELECT ${auditPlaces.eventId} FROM ${auditPlaces} WHERE ${and(ofStore, lte(auditPlaces.number, to.number))})`,
          ),
        ),
      db.delete(auditPlaces).where(and(ofStore, lte(auditPlaces.number, to.number))),
    ]),
  )
  return written.ok ? ok() : written
}

/** Every key, the newest first. */
export function readAuditKeys(db: Database): Promise<Result<readonly AuditKey[], Unavailable>> {
  return attempt(() => db.select().from(auditKeys).orderBy(sql`${auditKeys.createdAt} DESC, ${auditKeys.keyId}`))
}

/** Adds a key. */
export async function addAuditKey(db: Database, key: AuditKey): Promise<Result<void, Unavailable>> {
  const written = await attempt(() => db.insert(auditKeys).values(key).onConflictDoNothing())
  return written.ok ? ok() : written
}

function chainOf(db: Database, identityStoreId: string) {
  return db.select().from(auditChains).where(eq(auditChains.identityStoreId, identityStoreId))
}

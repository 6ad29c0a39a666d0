/** Verifying a store's chain of audit events where it is kept, a stretch at a time. */
import type { Sealing } from '../auth/sealing.ts'
import { ok, type Result } from '../domain/result.ts'
import { findUnplaced, readAuditKeys, readChain } from '../store/audit-chain.ts'
import type { Database } from '../store/database.ts'
import type { Unavailable } from '../time-limit.ts'
import { type ChainFault, type ChainPoint, GENESIS, verifyStretch } from './chain.ts'
import { findSigner, type PublicJwk, publicJwks, signPoint } from './keys.ts'

/** Where a stretch begins: after a place; or, when all places were looked at, after an event. */
export type ChainCursor = { readonly after: number } | { readonly afterEvent: string }

export interface Verified {
  /** How many events were looked at. */
  readonly events: number
  readonly faults: readonly ChainFault[]
  /** Null: that was the last stretch. */
  readonly next: ChainCursor | null
  /** The point after which the chain begins; `signed`: where events were removed since they were kept for long enough. */
  readonly begin: ChainPoint & { readonly signed: string | null }
  /** How far it is sealed. `signed`: now. */
  readonly head: ChainPoint & { readonly signed: string; readonly sealedAt: number | null }
  /** How many events are not sealed yet. */
  readonly unsealed: number
  readonly keys: readonly PublicJwk[]
}

/** Verifies so many events of a store. Null: from the beginning. */
export async function verifyChain(
  { db, sealing }: { readonly db: Database; readonly sealing: Sealing },
  identityStoreId: string,
  cursor: ChainCursor | null,
  limit: number,
  now: number,
): Promise<Result<Verified, Unavailable>> {
  const signer = await findSigner(db, sealing, now)
  if (!signer.ok) return signer
  const keys = await readAuditKeys(db)
  if (!keys.ok) return keys
  const asked = cursor === null ? 0 : 'after' in cursor ? cursor.after : Number.MAX_SAFE_INTEGER
  const read = await readChain(db, identityStoreId, asked, limit)
  if (!read.ok) return read
  const { chain, lastNumber, places, before } = read.value
  const begin = { number: chain?.cutNumber ?? 0, hash: chain?.cutHash ?? GENESIS, signed: chain?.cut ?? null }
  const head = { number: chain?.sealedNumber ?? 0, hash: chain?.sealedHash ?? GENESIS }
  const found =
    cursor !== null && 'afterEvent' in cursor
      ? await findInserted(db, identityStoreId, cursor.afterEvent, limit)
      : ok(verifyPlaces(places, asked > begin.number ? { number: asked, before } : null, { begin, head, limit }))
  if (!found.ok) return found
  return ok({
    ...found.value,
    begin,
    head: {
      ...head,
      signed: await signPoint(signer.value, 'audit-head', identityStoreId, head, now),
      sealedAt: chain?.sealedAt ?? null,
    },
    unsealed: Math.max(0, lastNumber - head.number),
    keys: publicJwks(keys.value),
  })
}

type Found = Pick<Verified, 'events' | 'faults' | 'next'>
type Stretch = Extract<Awaited<ReturnType<typeof readChain>>, { ok: true }>['value']

function verifyPlaces(
  places: Stretch['places'],
  resumed: { readonly number: number; readonly before: Stretch['before'] } | null,
  { begin, head, limit }: { readonly begin: ChainPoint; readonly head: ChainPoint; readonly limit: number },
): Found {
  const last = places.at(-1)
  const more = places.length === limit && last !== undefined && last.number < head.number
  const until = more ? { number: last.number, hash: null } : head
  return {
    events: places.length,
    faults: verifyStretch(startOf(resumed) ?? begin, places, until),
    next: more ? { after: last.number } : { afterEvent: '' },
  }
}

function startOf(resumed: { readonly number: number; readonly before: Stretch['before'] } | null) {
  if (resumed === null) return null
  const { number, before } = resumed
  // What stood there was found to be missing by the stretch before.
  return { number, hash: before?.hash ?? null, eventId: before?.eventId }
}

async function findInserted(
  db: Database,
  identityStoreId: string,
  after: string,
  limit: number,
): Promise<Result<Found, Unavailable>> {
  const found = await findUnplaced(db, identityStoreId, after, limit)
  if (!found.ok) return found
  const { events, last, looked } = found.value
  return ok({
    events: looked,
    faults: events.map(({ eventId, number }) => ({ fault: 'inserted', number, eventId })),
    next: last === null ? null : { afterEvent: last },
  })
}

/**
 * What is done for the audit log beside the requests: each minute what was committed is sealed, each hour heads are told,
 * and what is kept no longer is cut off. Each step may be done twice, or by two at once.
 */
import { randomBytes } from 'node:crypto'
import type { Sealing } from '../auth/sealing.ts'
import { ok, type Result } from '../domain/result.ts'
import { firstIdAt } from '../domain/session-id.ts'
import { CUT_BATCH_ROWS, MAX_REMOVAL_BATCHES, SEAL_BATCH_ROWS, SEALED_STORES, STORES_AT_ONCE } from '../limits.ts'
import {
  publishHead,
  readChain,
  readUnsealed,
  type SealRow,
  storesWithOldEvents,
  unpublishedChains,
  unsealedStores,
  writeCut,
  writeSeals,
} from '../store/audit-chain.ts'
import type { Database } from '../store/database.ts'
import type { Unavailable } from '../time-limit.ts'
import { sealed } from './chain.ts'
import { findSigner, signPoint } from './keys.ts'

const SALT_BYTES = 16

/** Seals what was committed, of every store. */
export async function sealAll(db: Database, now: number): Promise<Result<void, Unavailable>> {
  const stores = await unsealedStores(db, SEALED_STORES)
  if (!stores.ok) return stores
  for (let index = 0; index < stores.value.length; index += STORES_AT_ONCE) {
    const some = stores.value.slice(index, index + STORES_AT_ONCE)
    const done = await Promise.all(some.map((store) => sealStore(db, store, now)))
    const failed = done.find((one) => !one.ok)
    if (failed !== undefined) return failed
  }
  return ok()
}

/** Seals what was committed in a store, in its order. */
export async function sealStore(
  db: Database,
  identityStoreId: string,
  now: number,
): Promise<Result<void, Unavailable>> {
  for (;;) {
    const read = await readUnsealed(db, identityStoreId, SEAL_BATCH_ROWS)
    if (!read.ok) return read
    const { chain, places } = read.value
    const last = places.at(-1)
    if (last === undefined) return ok()
    let hash = chain.sealedHash
    const seals: SealRow[] = []
    for (const { number, event } of places) {
      // One that is gone already leaves its place, and is found to be missing.
      if (event === null) continue
      const seal = sealed(event, number, hash, randomBytes(SALT_BYTES).toString('hex'))
      seals.push({ ...seal, eventId: event.eventId, about: event.about })
      hash = seal.hash
    }
    const written = await writeSeals(db, chain, seals, { number: last.number, hash }, now)
    if (!written.ok) return written
    // Where another was faster, or one was erased meanwhile, it looks again.
    if (written.value && places.length < SEAL_BATCH_ROWS) return ok()
  }
}

/** Tells of the heads of the chains that have grown, in the events of those stores that want some. */
export async function publishHeads(db: Database, sealing: Sealing, now: number): Promise<Result<void, Unavailable>> {
  const chains = await unpublishedChains(db, SEALED_STORES)
  if (!chains.ok || chains.value.length === 0) return chains.ok ? ok() : chains
  const signer = await findSigner(db, sealing, now)
  if (!signer.ok) return signer
  for (const chain of chains.value) {
    const { identityStoreId, sealedNumber: number, sealedHash: hash } = chain
    const head = await signPoint(signer.value, 'audit-head', identityStoreId, { number, hash }, now)
    const told = await publishHead(db, chain, { number, hash, head }, now)
    if (!told.ok) return told
  }
  return ok()
}

/** Removes the events of before an instant, of every store, up to the first that is to be kept, or is not sealed. */
export async function cutChains(
  db: Database,
  sealing: Sealing,
  before: number,
  now: number,
  maxBatches = MAX_REMOVAL_BATCHES,
): Promise<Result<void, Unavailable>> {
  const stores = await storesWithOldEvents(db, firstIdAt(before), SEALED_STORES)
  if (!stores.ok || stores.value.length === 0) return stores.ok ? ok() : stores
  const signer = await findSigner(db, sealing, now)
  if (!signer.ok) return signer
  let batches = 0
  for (const identityStoreId of stores.value) {
    for (let more = true; more && batches < maxBatches; batches += 1) {
      const read = await readChain(db, identityStoreId, 0, CUT_BATCH_ROWS)
      if (!read.ok) return read
      const { chain, places } = read.value
      const kept = places.findIndex(({ event }) => event !== null && event.at >= before)
      const old = kept < 0 ? places : places.slice(0, kept)
      const last = old.findLast(({ event }) => event?.hash != null)
      more = kept < 0 && places.length === CUT_BATCH_ROWS
      if (chain === null || last?.event?.hash == null) break
      const to = { number: last.number, hash: last.event.hash }
      const cut = await signPoint(signer.value, 'audit-cut', identityStoreId, to, now)
      const written = await writeCut(db, chain, to, cut)
      if (!written.ok) return written
    }
  }
  return ok()
}

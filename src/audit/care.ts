/**
 * What is done for a store's audit log beside the requests: each minute what was committed is sealed, each hour the head
 * is told, and what is kept no longer is cut off. Each step may be done twice, or by two at once.
 */
import { randomBytes } from 'node:crypto'
import type { Sealing } from '../auth/sealing.ts'
import { ok, type Result } from '../domain/result.ts'
import { CUT_BATCH_ROWS, MAX_REMOVAL_BATCHES, SEAL_BATCH_ROWS } from '../limits.ts'
import {
  findUnpublished,
  readChain,
  readUnsealed,
  type SealRow,
  writeCut,
  writeHead,
  writeSeals,
} from '../store/audit-chain.ts'
import type { Database } from '../store/database.ts'
import type { Unavailable } from '../time-limit.ts'
import { sealed } from './chain.ts'
import { findSigner, signPoint } from './keys.ts'

const SALT_BYTES = 16

/** Seals a store's audit log. With `cutBefore`, events of before that instant go, and the head is told. */
export async function keepAuditLog(
  db: Database,
  sealing: Sealing,
  identityStoreId: string,
  cutBefore: number | null,
  now: number,
): Promise<Result<void, Unavailable>> {
  const done = await sealStore(db, identityStoreId, now)
  if (!done.ok || cutBefore === null) return done
  const cut = await cutChain(db, sealing, identityStoreId, cutBefore, now)
  return cut.ok ? publishHead(db, sealing, identityStoreId, now) : cut
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

/** Tells of the head of a store's chain, if it has grown and the store wants events. */
async function publishHead(
  db: Database,
  sealing: Sealing,
  identityStoreId: string,
  now: number,
): Promise<Result<void, Unavailable>> {
  const found = await findUnpublished(db, identityStoreId)
  if (!found.ok || found.value === null) return found.ok ? ok() : found
  const signer = await findSigner(db, sealing, now)
  if (!signer.ok) return signer
  const { sealedNumber: number, sealedHash: hash } = found.value
  const head = await signPoint(signer.value, 'audit-head', identityStoreId, { number, hash }, now)
  return writeHead(db, found.value, { number, hash, head }, now)
}

/** Removes a store's events of before an instant, up to the first that is to be kept, or is not sealed. */
async function cutChain(
  db: Database,
  sealing: Sealing,
  identityStoreId: string,
  before: number,
  now: number,
): Promise<Result<void, Unavailable>> {
  for (let batches = 0; batches < MAX_REMOVAL_BATCHES; batches += 1) {
    const read = await readChain(db, identityStoreId, 0, CUT_BATCH_ROWS)
    if (!read.ok) return read
    const { chain, places } = read.value
    const kept = places.findIndex(({ event }) => event !== null && event.at >= before)
    const old = kept < 0 ? places : places.slice(0, kept)
    const last = old.findLast(({ event }) => event?.hash != null)
    if (chain === null || last?.event?.hash == null) return ok()
    const signer = await findSigner(db, sealing, now)
    if (!signer.ok) return signer
    const to = { number: last.number, hash: last.event.hash }
    const cut = await signPoint(signer.value, 'audit-cut', identityStoreId, to, now)
    const written = await writeCut(db, chain, to, cut)
    if (!written.ok) return written
    if (kept >= 0 || places.length < CUT_BATCH_ROWS) return ok()
  }
  return ok()
}

/**
 * Requests that came with an idempotency key. One that is being answered claims its key for a while, so that a crash
 * does not block it: the claim runs out, and the next request with the key is answered anew.
 */
import { and, eq, lte } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { IDEMPOTENT_ANSWER_MILLISECONDS, IDEMPOTENT_CLAIM_MILLISECONDS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { idempotentRequests } from './schema.ts'

/** A key that is claimed. No two claims of a key run out at the same time: a later one is made when the first has. */
export interface Claim {
  readonly keyHash: string
  /** Epoch milliseconds. */
  readonly until: number
}

/** What was known of a key. */
export type ClaimOutcome =
  | { readonly state: 'claimed'; readonly claim: Claim }
  /** It was used with another body. */
  | { readonly state: 'reused' }
  | { readonly state: 'running' }
  | { readonly state: 'answered'; readonly status: number; readonly sealedAnswer: string }

/** Claims a key for a request, unless another has it. One round trip to D1. */
export async function claimKey(
  db: Database,
  keyHash: string,
  bodyHash: string,
  now: number,
): Promise<Result<ClaimOutcome, Unavailable>> {
  const t = idempotentRequests
  const until = now + IDEMPOTENT_CLAIM_MILLISECONDS
  const claim = { bodyHash, status: null, sealedAnswer: null, expiresAt: until }
  const done = await attempt(() =>
    db.batch([
      db
        .insert(t)
        .values({ keyHash, ...claim })
        .onConflictDoUpdate({ target: t.keyHash, set: claim, setWhere: lte(t.expiresAt, now) })
        .returning({ keyHash: t.keyHash }),
      db.select().from(t).where(eq(t.keyHash, keyHash)),
    ]),
  )
  if (!done.ok) return done
  const [[claimed], [row]] = done.value
  if (claimed !== undefined) return ok({ state: 'claimed', claim: { keyHash, until } })
  if (row === undefined) throw new Error('a key that is neither free nor taken')
  if (row.bodyHash !== bodyHash) return ok({ state: 'reused' })
  const { status, sealedAnswer } = row
  return ok(
    status === null || sealedAnswer === null ? { state: 'running' } : { state: 'answered', status, sealedAnswer },
  )
}

/**
 * Keeps the answer to a request that has claimed a key. If the claim has run out, nothing is kept: another request has
 * the key.
 */
export async function keepAnswer(
  db: Database,
  claim: Claim,
  answer: { readonly status: number; readonly sealedAnswer: string },
  now: number,
): Promise<Result<void, Unavailable>> {
  const expiresAt = now + IDEMPOTENT_ANSWER_MILLISECONDS
  const done = await attempt(() =>
    db
      .update(idempotentRequests)
      .set({ ...answer, expiresAt })
      .where(isClaim(claim)),
  )
  return done.ok ? ok() : done
}

/** Releases a key: nothing was done, so no answer has to be kept. */
export async function releaseKey(db: Database, claim: Claim): Promise<Result<void, Unavailable>> {
  const done = await attempt(() => db.delete(idempotentRequests).where(isClaim(claim)))
  return done.ok ? ok() : done
}

function isClaim({ keyHash, until }: Claim) {
  return and(eq(idempotentRequests.keyHash, keyHash), eq(idempotentRequests.expiresAt, until))
}

/**
 * What this isolate learned of sessions it checked, for callers who accept an answer some seconds old.
 * Bounded, least recently used goes first. An answer that was on its way when this isolate saw a session
 * end is not remembered: it may be older than the end.
 */
import type { CheckedSession } from './user-sessions.ts'

/** Oldest answer that a caller may accept, in seconds. */
export const MAX_AGE_SECONDS = 60
const MAX_ANSWERS = 10_000

interface Answer {
  readonly token: string
  readonly checked: CheckedSession
  readonly learnedAt: number
}

export class CheckMemory {
  private readonly answers = new Map<string, Answer>()
  private ends = 0

  /** How many ends this isolate has seen; taken before a check, for `put`. */
  get endsSeen(): number {
    return this.ends
  }

  /** The answer for a token, if it was learned at most `maxAgeSeconds` ago and its deadlines have not passed. */
  get(sessionId: string, token: string, maxAgeSeconds: number, now: number): Answer | null {
    const answer = this.answers.get(sessionId)
    if (answer === undefined || answer.token !== token) return null
    const { expiresAt, idlesOutAt } = answer.checked
    const age = now - answer.learnedAt
    if (age < 0 || age > maxAgeSeconds * 1000 || now >= expiresAt || (idlesOutAt !== null && now >= idlesOutAt))
      return null
    this.answers.delete(sessionId)
    this.answers.set(sessionId, answer)
    return answer
  }

  /** The last answer for a token, however old: what the object need not say again if it is still so. */
  last(sessionId: string, token: string): CheckedSession | null {
    const answer = this.answers.get(sessionId)
    return answer === undefined || answer.token !== token ? null : answer.checked
  }

  /** Remembers an answer, unless a session has ended since `endsSeen` was taken. */
  put(sessionId: string, token: string, checked: CheckedSession, now: number, endsSeen: number): void {
    if (endsSeen !== this.ends) return
    this.answers.delete(sessionId)
    this.answers.set(sessionId, { token, checked, learnedAt: now })
    const oldest = this.answers.size > MAX_ANSWERS ? this.answers.keys().next().value : undefined
    if (oldest !== undefined) this.answers.delete(oldest)
  }

  /** Notes that sessions have ended. */
  forget(sessionIds: readonly string[]): void {
    if (sessionIds.length === 0) return
    this.ends += 1
    for (const id of sessionIds) this.answers.delete(id)
  }

  /** Notes that the rules for a user, or for a whole store, have changed, so that any session may have ended. */
  forgetAll(of: { readonly identityStoreId: string; readonly userId?: string }): void {
    this.ends += 1
    for (const [id, { checked }] of this.answers) {
      if (checked.identityStoreId !== of.identityStoreId) continue
      if (of.userId === undefined || checked.userId === of.userId) this.answers.delete(id)
    }
  }
}

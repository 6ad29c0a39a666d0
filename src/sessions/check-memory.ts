/**
 * What this isolate learned of sessions it checked, for callers who accept an answer some seconds old.
 * Bounded, least recently used goes first. An answer that was on its way when this isolate saw a session
 * end is not remembered: it may be older than the end.
 */
import { MAX_REMEMBERED_CHECKS } from '../limits.ts'
import type { CheckedSession } from './object/user-sessions.ts'

/**
 * The greatest age of an answer, as a share of the inactivity timeout. An answer from memory counts as no activity, so
 * the user may idle out sooner by as much.
 */
const MAX_SHARE_OF_INACTIVITY = 0.1

/** A user, or a whole store. */
interface Whose {
  readonly identityStoreId: string
  readonly userId?: string
}

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
    const { session, expiresAt, idlesOutAt } = answer.checked
    const age = now - answer.learnedAt
    if (age < 0 || age > maxAgeSeconds * 1000 || now >= expiresAt) return null
    if (idlesOutAt !== null) {
      const most = (idlesOutAt - session.lastSeenAt) * MAX_SHARE_OF_INACTIVITY
      if (age > most || now >= idlesOutAt) return null
    }
    this.answers.delete(sessionId)
    this.answers.set(sessionId, answer)
    return answer
  }

  /** The last answer for a token, however old: the object need not repeat it while nothing has changed. */
  last(sessionId: string, token: string): CheckedSession | null {
    const answer = this.answers.get(sessionId)
    return answer === undefined || answer.token !== token ? null : answer.checked
  }

  /** Remembers an answer, unless a session has ended since `endsSeen` was taken. */
  put(
    sessionId: string,
    token: string,
    checked: CheckedSession,
    at: { readonly now: number; readonly endsSeen: number },
  ): void {
    if (at.endsSeen !== this.ends) return
    this.answers.delete(sessionId)
    this.answers.set(sessionId, { token, checked, learnedAt: at.now })
    const oldest = this.answers.size > MAX_REMEMBERED_CHECKS ? this.answers.keys().next().value : undefined
    if (oldest !== undefined) this.answers.delete(oldest)
  }

  /** Notes that sessions have ended. */
  forget(sessionIds: readonly string[]): void {
    if (sessionIds.length === 0) return
    this.ends += 1
    for (const id of sessionIds) this.answers.delete(id)
  }

  /**
   * Does work by which any session of a user, or of a whole store, may end. `work` calls `forget` once the change is
   * made: no older answer is used from then on. Answers that are learned while the objects are being told are forgotten
   * at the end, whether or not `work` succeeds.
   */
  async forgettingAll<T>(of: Whose, work: (forget: () => void) => Promise<T>): Promise<T> {
    const forget = () => this.forgetAll(of)
    try {
      return await work(forget)
    } finally {
      forget()
    }
  }

  private forgetAll(of: Whose): void {
    this.ends += 1
    for (const [id, { checked }] of this.answers) {
      if (checked.identityStoreId !== of.identityStoreId) continue
      if (of.userId === undefined || checked.userId === of.userId) this.answers.delete(id)
    }
  }
}

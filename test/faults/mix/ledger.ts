/** What the service has acknowledged, and what may therefore be so and what not. */

/** `unsure`: its end was asked for, and is not acknowledged. `gone`: it was found dead; what ended it is yet to be shown. */
export type State = 'open' | 'unsure' | 'gone' | 'ended'

export interface Session {
  readonly id: string
  readonly token: string
  readonly userId: string
  readonly kind: 'web' | 'api'
  state: State
  /** Why it may have ended, but for the limit. */
  readonly reasons: Set<string>
  /** When it was last asked to end, or opened: for findings. */
  note: string
}

/** All sessions of a user are to end: those that are there, and those that come while it is under way or undecided. */
export interface Sweep {
  readonly userId: string
  readonly reasons: readonly string[]
}

/** What rules are at first: nothing, or this. */
const BEFORE: Readonly<Record<string, string>> = { config: '43200' }

/** When a change of a rule was sent, and when it was acknowledged, in ticks. */
interface Change {
  readonly value: string
  readonly sent: number
  done: number
}

/** How many sessions clients remember. */
const DRAWN = 2_000

export class Ledger {
  readonly sessions = new Map<string, Session>()
  /** Ids of those that are over, and were as they should be. */
  readonly past = new Set<string>()
  /** The latest ones, to draw from. */
  readonly drawn: Session[] = []
  opens = 0
  ends = 0
  unanswered = 0
  /** Openings that may have happened, by user. */
  readonly unansweredOpens = new Map<string, number>()
  /** By whom users have, or may have, been disabled. */
  readonly disabled = new Set<Sweep>()
  private readonly promised = new Set<Session>()
  private readonly sweeps = new Set<Sweep>()
  private readonly allSweeps: Sweep[] = []
  private readonly changes = new Map<string, readonly Change[]>()
  private ticks = 0

  /** Sessions of a kind that may be alive. */
  live(kind: Session['kind'], userId?: string): Session[] {
    return [...this.sessions.values()].filter(
      (one) =>
        one.kind === kind && (one.state === 'open' || one.state === 'unsure') && (userId ?? one.userId) === one.userId,
    )
  }

  /** An opening is about to be asked for. */
  opening(userId: string) {
    const from = this.allSweeps.length
    const before = [...this.sweeps]
    /** What all that the user had was to end by meanwhile. */
    const crossed = () => [...before, ...this.allSweeps.slice(from)].filter((sweep) => sweep.userId === userId)
    return {
      crossed,
      /** It was acknowledged. */
      done: (token: string, kind: Session['kind'], note: string) => {
        this.opens += 1
        const id = sessionIdOf(token)
        const reasons = new Set(crossed().flatMap((sweep) => sweep.reasons))
        const state = reasons.size === 0 ? 'open' : 'unsure'
        const session: Session = { id, token, userId, kind, state, reasons, note }
        this.sessions.set(id, session)
        this.drawn.push(session)
        if (this.drawn.length > DRAWN) this.drawn.shift()
      },
    }
  }

  mayHaveOpened(userId: string): void {
    this.unanswered += 1
    this.unansweredOpens.set(userId, (this.unansweredOpens.get(userId) ?? 0) + 1)
  }

  /** Its end is about to be asked for. */
  ending(session: Session, reason: string, note: string): void {
    if (session.state === 'open') session.state = 'unsure'
    session.reasons.add(reason)
    session.note = `${session.note}, ${note}`
  }

  /** Its end was acknowledged. */
  ended(session: Session): void {
    if (session.state !== 'ended') this.ends += 1
    session.state = 'ended'
    session.note = `${session.note}, done`
  }

  /** All sessions of a user, but one, are about to be asked to end. */
  sweep(userId: string, reasons: readonly string[], note: string, except?: Session) {
    const sweep: Sweep = { userId, reasons }
    this.sweeps.add(sweep)
    this.allSweeps.push(sweep)
    const there = this.live('web', userId).filter((session) => session !== except)
    for (const session of there) for (const reason of reasons) this.ending(session, reason, note)
    return {
      who: sweep,
      /** It was acknowledged: whatever was there when it was asked for has ended. */
      done: () => {
        for (const session of there) this.ended(session)
      },
      /** It will have happened when all is settled. */
      promised: () => {
        for (const session of there) this.promised.add(session)
      },
      /** Nothing of what comes ends by it. */
      over: () => void this.sweeps.delete(sweep),
    }
  }

  /** What was under way has been done, or never will be. */
  settled(): void {
    this.sweeps.clear()
    for (const session of this.promised) this.ended(session)
    this.promised.clear()
    this.disabled.clear()
  }

  /** All is as it should be: what is over need not be looked at again. */
  audited(): void {
    for (const { id, state } of [...this.sessions.values()]) {
      if (state !== 'ended' && state !== 'gone') continue
      this.past.add(id)
      this.sessions.delete(id)
    }
  }

  /** What a look says of a session. `before` is its state when the look was sent. Answers what contradicts. */
  saw(session: Session, alive: boolean, before: State): string | null {
    const gone = before === 'ended' || before === 'gone'
    if (alive && gone) return `${session.id} is active, and was ${before} (${session.note})`
    if (!alive && session.state !== 'ended') session.state = 'gone'
    return null
  }

  /** A rule is about to be changed. Answers what to call when that is acknowledged. */
  changing(rule: string, value: string): () => void {
    const asBefore = { value: BEFORE[rule] ?? 'null', sent: 0, done: 0 }
    const change = { value, sent: this.tick(), done: Number.POSITIVE_INFINITY }
    this.changes.set(rule, [...(this.changes.get(rule) ?? [asBefore]), change])
    return () => {
      change.done = this.tick()
    }
  }

  /** Rules that were changed, and what each may be now: whatever no acknowledged change came after. */
  rules(): ReadonlyMap<string, ReadonlySet<string>> {
    const possible = (changes: readonly Change[]) =>
      changes.filter((one) => !changes.some((other) => other.sent > one.done && other.done < Number.POSITIVE_INFINITY))
    return new Map(
      Array.from(this.changes, ([rule, changes]) => [rule, new Set(possible(changes).map(({ value }) => value))]),
    )
  }

  private tick(): number {
    this.ticks += 1
    return this.ticks
  }
}

/** The id that a token of ours has in it (src/domain/token.ts). */
function sessionIdOf(token: string): string {
  const hex = Buffer.from(token, 'base64url').subarray(47, 63).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

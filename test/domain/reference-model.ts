/**
 * The sessions of one user as one would keep them on paper: a table with a line per session, crossed out when it
 * ends. Written without a look at the domain, to be compared with it.
 */
import type { Rules, Step } from './arbitraries.ts'

/** A line of the table. */
export interface Line {
  readonly name: string
  readonly apiClientId: string | null
  readonly mobile: boolean
  readonly opened: number
  /** How many passwords and disables there had been. */
  readonly verified: number
  seen: number
  /** Who spoke last, `address/agent`. */
  speaker: string
  /** Null while it lives. */
  over: string | null
}

export class ReferenceModel {
  readonly lines: Line[] = []
  rules: Rules
  private disabled = false
  private changes = 0

  constructor(rules: Rules) {
    this.rules = rules
  }

  /** The names of those that live at an instant, oldest first. */
  living(now: number): string[] {
    return this.lines.filter((line) => this.causeOfDeath(line, now) === null).map(({ name }) => name)
  }

  /** Whether the step was possible. */
  take(step: Step, now: number): boolean {
    if (step.do === 'rules') this.rules = step.rules
    if (step.do === 'status') {
      this.disabled = !step.active
      if (step.newPassword || !step.active) this.changes += 1
    }
    if (step.do === 'open' && (this.disabled || step.epochsAgo > 0 || this.isFull(step, now))) return false
    const checked = step.do === 'check' ? this.lines[step.which] : undefined
    if (step.do === 'check' && (checked === undefined || checked.over !== null)) return false

    for (const line of this.lines) line.over ??= this.causeOfDeath(line, now)
    const alive = this.lines.filter(({ over }) => over === null)
    switch (step.do) {
      case 'open': {
        const old = step.replaces === null ? undefined : this.lines[step.replaces]
        if (old !== undefined) old.over ??= 'replaced'
        for (const chosen of step.endSessions.map((which) => this.lines[which])) {
          if (chosen?.apiClientId === null) chosen.over ??= 'evicted'
        }
        const name = `s${this.lines.length}`
        this.lines.push({
          name,
          apiClientId: step.apiClientId,
          mobile: step.mobile,
          opened: now,
          verified: this.changes,
          seen: now,
          speaker: step.mobile ? '192.0.2.1/Mobile' : '192.0.2.1/A',
          over: null,
        })
        break
      }
      case 'check':
        if (step.touch && checked?.over === null) {
          if (now > checked.seen) checked.seen = now
          if (step.client !== null) checked.speaker = `${step.client.address}/${step.client.userAgent}`
        }
        break
      case 'end':
        for (const which of step.which) this.crossOut(this.lines[which])
        break
      case 'end all':
        for (const line of alive) if (step.kinds !== 'web' || line.apiClientId === null) this.crossOut(line)
        break
      case 'end others':
        for (const line of alive) if (line.apiClientId === null && line !== this.lines[step.but]) this.crossOut(line)
    }
    if (['open', 'tick', 'rules', 'status'].includes(step.do)) this.evict()
    return true
  }

  private crossOut(line: Line | undefined): void {
    if (line !== undefined) line.over ??= 'revoked'
  }

  private evict(): void {
    for (const line of this.withoutRoom(this.lines.filter(({ over }) => over === null))) line.over = 'evicted'
  }

  /** Whether there is no room for one more, where nobody goes unasked. */
  private isFull(step: Extract<Step, { do: 'open' }>, now: number): boolean {
    if (this.rules.whenReached !== 'refuse') return false
    const leaving = new Set([
      ...step.endSessions.filter((which) => this.lines[which]?.apiClientId === null),
      step.replaces,
    ])
    const staying = this.lines.filter((line, which) => !leaving.has(which) && this.causeOfDeath(line, now) === null)
    const one = { apiClientId: step.apiClientId, mobile: step.mobile, seen: now } as Line
    return [...this.withoutRoom([...staying, one])].some(({ apiClientId }) => apiClientId === null)
  }

  /** Who finds no room: first each kind of client for itself, then all of them together, each API client apart. */
  private withoutRoom(alive: readonly Line[]): Set<Line> {
    const { rules } = this
    const gone = new Set<Line>()
    const seat = (lines: readonly Line[], most: number | null) => {
      // Whoever has the better place sits down first; the youngest of all always does.
      const youngest = alive.findLast(({ apiClientId }) => apiClientId === null)
      const queue = lines.filter((line) => !gone.has(line)).reverse()
      if (rules.whenReached === 'evict_least_recently_seen' && lines[0]?.apiClientId === null) {
        queue.sort((a, b) => Number(b === youngest) - Number(a === youngest) || b.seen - a.seen)
      }
      for (const line of queue.slice(most ?? queue.length)) gone.add(line)
    }
    const web = alive.filter(({ apiClientId }) => apiClientId === null)
    for (const mobile of rules.byKind === null ? [] : [false, true]) {
      seat(
        web.filter((line) => line.mobile === mobile),
        (mobile ? rules.byKind?.mobile : rules.byKind?.web) ?? null,
      )
    }
    seat(web, rules.limit ?? 1_000)
    for (const client of new Set(alive.map(({ apiClientId }) => apiClientId))) {
      if (client !== null)
        seat(
          alive.filter(({ apiClientId }) => apiClientId === client),
          rules.apiCap,
        )
    }
    return gone
  }

  private causeOfDeath(line: Line, now: number): string | null {
    if (line.over !== null) return line.over
    const life = line.apiClientId === null ? this.rules.overallSeconds : this.rules.apiSeconds
    const idle = line.apiClientId === null ? this.rules.idleSeconds : null
    const sinceOpened = now - line.opened
    const sinceSeen = now - line.seen
    const expired = sinceOpened >= life * 1000
    const idled = idle !== null && sinceSeen >= idle * 1000
    // Both: what came first.
    if (expired && idled) return line.seen + (idle ?? 0) * 1000 < line.opened + life * 1000 ? 'idle' : 'expired'
    if (expired) return 'expired'
    if (idled) return 'idle'
    if (this.disabled) return 'user_disabled'
    return line.verified < this.changes ? 'password_changed' : null
  }
}

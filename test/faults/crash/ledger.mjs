// What the service has acknowledged, and what is therefore expected of it.

/**
 * Sessions by id. `state` is what was acknowledged: `open`, `ended`, or `unsure` while an end was asked for and
 * no answer came.
 */
export class Ledger {
  sessions = new Map()
  opens = 0
  ends = 0
  unanswered = 0

  /** An opening was acknowledged. */
  opened(id, userId, token, round) {
    this.opens += 1
    this.sessions.set(id, { id, userId, token, round, state: 'open' })
  }

  /** An end is about to be asked for. */
  ending(session) {
    session.state = 'unsure'
  }

  /** An end was acknowledged. */
  ended(session) {
    if (session.state !== 'ended') this.ends += 1
    session.state = 'ended'
  }

  /** What a check says of a session, where it says anything against what was acknowledged; else null. */
  compare(session, alive) {
    const { state } = session
    if (state === 'unsure') {
      // From now on it must stay as it was found.
      session.state = alive ? 'open' : 'ended'
      return null
    }
    if (alive === (state === 'open')) return null
    return `${session.userId} ${session.id}: acknowledged as ${state}, checks as ${alive ? 'alive' : 'dead'}`
  }
}

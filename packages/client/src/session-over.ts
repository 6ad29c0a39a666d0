import type { EndReason } from './session.ts'

/** Why a signal of `sessions.ended` was aborted; its `message` is for people. */
export class SessionOver extends Error {
  override readonly name = 'SessionOver'
  /** `unavailable`: nobody could say for too long that it lives. `unauthenticated`: no token of a session. */
  declare readonly reason: EndReason | 'unauthenticated' | 'unavailable'
  /** RFC 3339; null where it did not end. */
  declare readonly endedAt: string | null

  constructor(
    reason: SessionOver['reason'],
    message = `The session is over: ${reason}.`,
    endedAt: string | null = null,
  ) {
    super(message)
    this.reason = reason
    this.endedAt = endedAt
  }
}

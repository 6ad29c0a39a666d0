/** The kinds of browser and system that a user has used, as far as the object remembers. */
import type { Session } from '../../domain/session.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import { DEVICE_MEMORY_MILLISECONDS, DEVICE_WRITE_MILLISECONDS, REMEMBERED_DEVICES } from '../../limits.ts'

/** A kind of browser and system, and when a session was last opened with it. */
export interface KnownDevice {
  readonly kind: string
  readonly seenAt: number
}

/**
 * Whether a new session's kind of device is new to the user: the user has opened no session with it in 90 days, and no
 * live session uses it. It never is where none is remembered, as at the first session ever; null for API sessions and
 * for clients that do not say what they are. `remember`: what is to be remembered from now on; null: nothing new.
 */
export function meetDevice(
  known: readonly KnownDevice[],
  session: Session,
  live: readonly Session[],
): { readonly isNew: boolean | null; readonly remember: readonly KnownDevice[] | null } {
  const { kind } = parseUserAgent(session.client.userAgent)
  if (session.kind === 'api' || kind === null) return { isNew: null, remember: null }
  const now = session.openedAt
  const last = known.find((device) => device.kind === kind)
  const seenAt = Math.max(last?.seenAt ?? 0, ...live.filter((one) => uses(one, kind)).map((one) => one.lastSeenAt))
  const others = known.filter((device) => device !== last)
  return {
    isNew: known.length > 0 && now - seenAt >= DEVICE_MEMORY_MILLISECONDS,
    remember:
      last !== undefined && now - last.seenAt < DEVICE_WRITE_MILLISECONDS
        ? null
        : [{ kind, seenAt: now }, ...others].slice(0, REMEMBERED_DEVICES),
  }
}

function uses({ kind, client, recentClient }: Session, device: string): boolean {
  return kind === 'web' && [client, recentClient].some((one) => parseUserAgent(one?.userAgent ?? null).kind === device)
}

import { idlesOutAt } from '../../domain/deadlines.ts'
import type { SessionEvent } from '../../domain/lifecycle.ts'
import type { Policy } from '../../domain/policy.ts'
import type { StoredSession } from './rows.ts'
import type { UserSessionsStorage } from './storage.ts'

/**
 * Notes what a check has seen: activity, to the millisecond where a session idles out by it, and another client. Both are
 * written at most once in `writeAfter` milliseconds: so whoever changes back and forth is written as seldom as activity.
 */
export function noteSeen(
  storage: UserSessionsStorage,
  stored: StoredSession,
  events: readonly SessionEvent[],
  { policy, writeAfter, now }: { readonly policy: Policy; readonly writeAfter: number; readonly now: number },
): StoredSession {
  let live = stored
  for (const event of events) {
    const exact = idlesOutAt(live.session, policy) !== null
    if (event.type === 'touched') live = storage.touch(live, event.at, writeAfter, exact)
    else if (event.type === 'moved') live = storage.moved(live, event.client, event.at)
  }
  const writes = live.clientUnwritten && now - (live.clientWrittenAt ?? 0) >= writeAfter
  return writes ? storage.writeClient(live, now) : live
}

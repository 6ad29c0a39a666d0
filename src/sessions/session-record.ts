import { sessionNumber } from '../domain/session-id.ts'
import type { UserKey } from '../store/rules.ts'
import type { SessionRecord } from '../store/session-records.ts'
import type { StoredSession } from './user-sessions-rows.ts'

/** A session as D1 is to have it: its whole state, with its version. Of a deleted user nothing of device or place. */
export function sessionRecord(owner: UserKey, stored: StoredSession, userDeleted: boolean): SessionRecord {
  const { session, version, ending } = stored
  const nobody = { address: null, userAgent: null }
  const client = userDeleted ? nobody : session.client
  const recent = userDeleted ? null : session.recentClient
  const location = userDeleted ? null : session.location
  return {
    identityStoreId: owner.identityStoreId,
    userId: owner.userId,
    sessionId: session.id,
    number: sessionNumber(session.id),
    version,
    kind: session.kind,
    openedAt: session.openedAt,
    lastSeenAt: session.lastSeenAt,
    persistent: session.persistent,
    credentialsType: session.credentialsType,
    address: client.address,
    userAgent: client.userAgent,
    recentAddress: recent?.address ?? null,
    recentUserAgent: recent?.userAgent ?? null,
    location: location === null ? null : JSON.stringify(location),
    actorUserId: session.actor?.userId ?? null,
    actorSessionId: session.actor?.sessionId ?? null,
    apiClientId: session.apiClientId,
    endedAt: ending?.endedAt ?? null,
    endReason: ending?.reason ?? null,
    endedBy: ending?.by.caller ?? null,
    endRequestId: ending?.by.requestId ?? null,
  }
}

import type { UserKey } from '../../domain/ids.ts'
import { sessionNumber } from '../../domain/session-id.ts'
import type { SessionRecord } from '../../store/session-records.ts'
import type { StoredSession } from './rows.ts'

/** A session as D1 is to have it: its whole state, with its version. */
export function sessionRecord(owner: UserKey, { session, version, origin, ending }: StoredSession): SessionRecord {
  const { openid, ...opened } = origin
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
    address: session.client.address,
    userAgent: session.client.userAgent,
    recentAddress: session.recentClient?.address ?? null,
    recentUserAgent: session.recentClient?.userAgent ?? null,
    location: session.location === null ? null : JSON.stringify(session.location),
    actorUserId: session.actor?.userId ?? null,
    actorSessionId: session.actor?.sessionId ?? null,
    apiClientId: session.apiClientId,
    endedAt: ending?.endedAt ?? null,
    endReason: ending?.reason ?? null,
    endedBy: ending?.by.caller ?? null,
    endRequestId: ending?.by.requestId ?? null,
    ...opened,
    endDecision: ending?.decision ?? null,
    openidIssuer: openid?.issuer ?? null,
    openidSubject: openid?.subject ?? null,
    openidSid: openid?.sid ?? null,
  }
}

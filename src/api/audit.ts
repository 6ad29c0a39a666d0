/** The audit entry of what a request is about to do. */
import { type AuditEntry, newRecordId } from '../store/audit-events.ts'
import type { RequestContext } from './context.ts'

/** The entry for what `actor` is about to do to `subject` in an identity store. */
export function auditEntry(
  { now, requestId }: Pick<RequestContext, 'now' | 'requestId'>,
  actor: string,
  identityStoreId: string,
  action: string,
  subject: string,
): AuditEntry {
  return { identityStoreId, eventId: newRecordId(now), at: now, actor, action, subject, requestId }
}

/** What the audit log is told of a request. */
import { type AuditEntry, newRecordId } from '../store/audit-events.ts'
import type { RequestContext } from './context.ts'

/** The facts of a request whose caller or subject is not known yet. */
export function auditFacts({ now, requestId }: Pick<RequestContext, 'now' | 'requestId'>) {
  return { eventId: newRecordId(now), at: now, requestId }
}

/** The entry for what `actor`, the caller, is about to do to `subject` in an identity store. */
export function auditEntry(
  { actor, ...context }: Pick<RequestContext, 'now' | 'requestId'> & { readonly actor: string },
  identityStoreId: string,
  action: string,
  subject: string,
): AuditEntry {
  return { ...auditFacts(context), identityStoreId, actor, action, subject }
}

/** A request to end sessions is in the audit log before anything is ended: docs/decisions/0032. */
import type { SessionError } from '../domain/errors.ts'
import type { Result } from '../domain/result.ts'
import { type AuditEntry, recordAuditEvent } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'

/**
 * Puts it on record, then ends; nothing is ended that is not on record. `asked` is what was asked for. What did end
 * is in the session records, with the caller and the request id. Errors: `unavailable`, and those of `end`.
 */
export async function endOnRecord<T>(
  db: Database,
  entry: AuditEntry,
  asked: Readonly<Record<string, unknown>>,
  end: () => Promise<Result<T, SessionError>>,
): Promise<Result<T, SessionError>> {
  const recorded = await recordAuditEvent(db, entry, asked)
  return recorded.ok ? end() : recorded
}

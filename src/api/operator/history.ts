/** What was done in an identity store, and what is still to be done. */

import type { z } from 'zod'
import { fail } from '../../domain/result.ts'
import { JOBS_LIST_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import { type AuditEvent, listAuditEvents } from '../../store/audit-events.ts'
import { OPERATOR_STORE } from '../../store/credentials.ts'
import { wasIdentityStore } from '../../store/identity-stores.ts'
import { within } from '../../time-limit.ts'
import { parseQuery } from '../parse.ts'
import { requireStore } from './identity-stores.ts'
import { answer, instant, type Operation, type Outcome, page } from './operation.ts'
import { type AuditEventListBody, type JobListBody, PageQuery } from './schemas.ts'

/** `GET …/audit-events` of an identity store. A deleted store's events can still be read. */
export async function listStoreEvents(operation: Operation): Outcome {
  const { context, identityStoreId } = operation
  const known = await wasIdentityStore(context.services.db, identityStoreId)
  if (!known.ok) return known
  return known.value ? list(operation, identityStoreId) : fail({ code: 'identity_store_not_found' })
}

/** `GET /audit-events`: of the operators' own credentials. */
export function listOperatorEvents(operation: Operation): Outcome {
  return list(operation, OPERATOR_STORE)
}

/** `GET …/jobs` of an identity store. */
export async function listStoreJobs({ context, identityStoreId }: Operation): Outcome {
  // Naming an object makes it: only of a store that is there.
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { jobs } = context.services
  const statuses = await within(JOBS_LIST_TIMEOUT_MILLISECONDS, 'jobs', async () =>
    jobs.get(jobs.idFromName(identityStoreId)).list(),
  )
  if (!statuses.ok) return statuses
  const body: z.infer<typeof JobListBody> = {
    jobs: statuses.value.map(({ id, kind, createdAt, dueAt, failures, progress }) => ({
      id,
      kind,
      created_at: instant(createdAt),
      due_at: instant(dueAt),
      failures,
      progress,
    })),
  }
  return answer(body)
}

async function list({ request, context }: Operation, identityStoreId: string): Outcome {
  const query = parseQuery(request, PageQuery)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  const events = await listAuditEvents(context.services.db, identityStoreId, cursor ?? null, limit + 1)
  if (!events.ok) return events
  const { rows, nextCursor } = page(events.value, limit, (event) => event.eventId)
  return answer({ audit_events: rows.map(eventBody), next_cursor: nextCursor })
}

function eventBody(event: AuditEvent): z.infer<typeof AuditEventListBody>['audit_events'][number] {
  return {
    event_id: event.eventId,
    at: instant(event.at),
    actor: event.actor,
    action: event.action,
    subject: event.subject,
    before: event.before === null ? null : JSON.parse(event.before),
    after: event.after === null ? null : JSON.parse(event.after),
    request_id: event.requestId,
  }
}

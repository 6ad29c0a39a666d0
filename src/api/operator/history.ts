/** What was done in an identity store, and what is still to be done. */
import type { z } from 'zod'
import { fail, ok } from '../../domain/result.ts'
import { JOBS_LIST_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import { type AuditEvent, listAuditEvents } from '../../store/audit-events.ts'
import { OPERATOR_STORE } from '../../store/credentials.ts'
import { wasIdentityStore } from '../../store/identity-stores.ts'
import { within } from '../../time-limit.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import type { OwnerPath } from './credentials.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { readPage } from './pages.ts'
import type { AuditEventListBody, JobListBody } from './schemas.ts'

/** `GET …/audit-events`: of an identity store, also of a deleted one, else of the operators' own credentials. */
export async function listEvents(
  request: Request,
  { identity_store_id: identityStoreId = OPERATOR_STORE }: OwnerPath,
  context: OperatorContext,
): HandlerResult {
  const { db } = context.services
  const known = identityStoreId === OPERATOR_STORE ? ok(true) : await wasIdentityStore(db, identityStoreId)
  if (!known.ok) return known
  if (!known.value) return fail({ code: 'identity_store_not_found' })
  const read = (cursor: string | null, limit: number) => listAuditEvents(db, identityStoreId, cursor, limit)
  const page = await readPage(request, read, ({ eventId }) => eventId)
  if (!page.ok) return page
  return ok(json({ audit_events: page.value.rows.map(eventBody), next_cursor: page.value.nextCursor }))
}

/** `GET …/jobs` of an identity store. */
export async function listStoreJobs(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
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
      created_at: timestamp(createdAt),
      due_at: timestamp(dueAt),
      failures,
      progress,
    })),
  }
  return ok(json(body))
}

function eventBody(event: AuditEvent): z.infer<typeof AuditEventListBody>['audit_events'][number] {
  return {
    event_id: event.eventId,
    at: timestamp(event.at),
    actor: event.actor,
    action: event.action,
    subject: event.subject,
    before: event.before === null ? null : JSON.parse(event.before),
    after: event.after === null ? null : JSON.parse(event.after),
    request_id: event.requestId,
  }
}

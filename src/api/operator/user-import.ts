/** `POST …/users`: many new users at once, each with its own result. */
import type { z } from 'zod'
import { ok } from '../../domain/result.ts'
import { wakeEndpointsOf } from '../../events/wake.ts'
import { MAX_BULK_BODY_BYTES } from '../../http/body.ts'
import { newRecordId } from '../../store/audit-events.ts'
import { type ImportOutcome, importUsers, type NewUser } from '../../store/user-import.ts'
import type { RequestContext } from '../context.ts'
import { parseJson, parseValue } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { type BulkBody, BulkEnvelope, BulkUser } from './schemas.ts'
import { namedFields } from './users.ts'

type BulkResult = z.infer<typeof BulkBody>['results'][number]

/** Creates those that are well formed and whose id and username are free. An existing user is not changed. */
export async function importStoreUsers(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, BulkEnvelope, MAX_BULK_BODY_BYTES)
  if (!input.ok) return input
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { results, users } = sortOut(input.value.users, context)
  const list = [...users.values()]
  const { requestId, now, actor } = context
  const imported = await importUsers(context.services.db, list, {
    identityStoreId,
    at: now,
    actor,
    action: 'user.created',
    requestId,
  })
  if (!imported.ok) return imported
  wakeEndpointsOf(context.services.db, context.services.endpoints, identityStoreId)
  for (const [nth, index] of [...users.keys()].entries()) {
    results[index] = resultOf(list[nth]?.userId ?? null, imported.value[nth])
  }
  return ok(json({ results }))
}

/** The users to try, by their place in the request, and the results of the others. */
function sortOut(items: readonly unknown[], context: RequestContext) {
  const results: BulkResult[] = []
  const users = new Map<number, NewUser>()
  const userIds = new Set<string>()
  const usernames = new Set<string>()
  for (const [index, item] of items.entries()) {
    const user = parseValue(item, BulkUser)
    if (!user.ok) {
      const errors = user.error.code === 'invalid_request' ? [...user.error.issues] : []
      results[index] = { user_id: idIn(item), status: 400, code: 'invalid_request', errors }
      continue
    }
    const { user_id: userId, username, password_hash: passwordHash } = user.value
    if (userIds.has(userId)) results[index] = clash(userId, 'user_id: it is in the request twice.')
    else if (usernames.has(username)) results[index] = clash(userId, 'username: it is in the request twice.')
    else {
      const eventId = newRecordId(context.now)
      const decomposedUsername = username.normalize('NFD')
      users.set(index, { ...namedFields(user.value), userId, passwordHash, eventId, decomposedUsername })
    }
    userIds.add(userId)
    usernames.add(username)
  }
  return { results, users }
}

function resultOf(userId: string | null, outcome: ImportOutcome | undefined): BulkResult {
  switch (outcome) {
    case 'created':
      return { user_id: userId, status: 201, code: 'created' }
    case 'user_id_taken':
      return clash(userId, 'user_id: another user has it, or had it.')
    case 'username_taken':
      return clash(userId, 'username: another user has it.')
    case undefined:
      throw new Error('a user without an outcome')
  }
}

function clash(userId: string | null, detail: string): BulkResult {
  return { user_id: userId, status: 409, code: 'conflict', detail }
}

function idIn(item: unknown): string | null {
  const parsed = BulkUser.shape.user_id.safeParse(
    typeof item === 'object' && item !== null && 'user_id' in item ? item.user_id : null,
  )
  return parsed.data ?? null
}

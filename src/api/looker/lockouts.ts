/** Users who are locked for an address after too many wrong passwords. For administrators. */
import type { z } from 'zod'
import { mayDo, type Party } from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { ok, type Result } from '../../domain/result.ts'
import { type Lockout, listLockouts } from '../../store/lockouts.ts'
import { parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { unlock } from '../unlock.ts'
import { selectFields } from './body.ts'
import { type LookerContext, requireAdministrator } from './caller.ts'
import { FieldsQuery, type LockoutBody, LockoutSearchQuery } from './schemas.ts'

type Body = z.infer<typeof LockoutBody>

/** `GET /user_login_lockouts`, the newest first. */
export async function listUserLockouts(request: Request, _parameters: object, context: LookerContext): HandlerResult {
  const query = parseQuery(request, FieldsQuery)
  if (!query.ok) return query
  const lockouts = await lockoutsOf(context)
  if (!lockouts.ok) return lockouts
  return ok(json(lockouts.value.map((lockout) => selectFields(lockoutBody(lockout, context), query.value.fields))))
}

/** `GET /user_login_lockouts/search`. Filters ignore case, and `%` stands for any text. */
export async function searchUserLockouts(request: Request, _parameters: object, context: LookerContext): HandlerResult {
  const query = parseQuery(request, LockoutSearchQuery)
  if (!query.ok) return query
  const lockouts = await lockoutsOf(context)
  if (!lockouts.ok) return lockouts
  const { fields, sorts, limit, offset, page, per_page: perPage } = query.value
  const matching = sorted(
    lockouts.value.map((lockout) => lockoutBody(lockout, context)).filter(matcher(query.value)),
    sorts,
  )
  const size = limit ?? perPage ?? matching.length
  const start = offset ?? ((page ?? 1) - 1) * size
  return ok(json(matching.slice(start, start + size).map((body) => selectFields(body, fields))))
}

/** `DELETE /user_login_lockout/{key}`: the user may try again at once. */
export async function deleteUserLockout(
  _request: Request,
  { key }: { readonly key: string },
  context: LookerContext,
): HandlerResult {
  const allowed = requireAdministrator(context)
  if (!allowed.ok) return allowed
  const unlocked = await unlock(context, context.identityStoreId, key, (user) => mayUnlock(context, user))
  return unlocked.ok ? ok(empty()) : unlocked
}

function mayUnlock({ caller }: LookerContext, user: Party): boolean {
  return mayDo(caller.user, 'end_lockouts', user)
}

async function lockoutsOf(context: LookerContext): Promise<Result<readonly Lockout[], SessionError>> {
  const allowed = requireAdministrator(context)
  if (!allowed.ok) return allowed
  return listLockouts(context.services.db, context.identityStoreId, context.now)
}

function lockoutBody(lockout: Lockout, context: LookerContext): Body {
  const { user, address, attempts, lockedAt } = lockout
  return {
    can: { show: true, delete: mayUnlock(context, user) },
    key: lockout.id,
    auth_type: 'email',
    ip: address,
    user_id: user.userId,
    remote_id: null,
    full_name: [user.firstName, user.lastName].filter((name) => name !== null).join(' ') || user.username,
    email: user.emailAddress,
    fail_count: attempts,
    lockout_at: timestamp(lockedAt),
  }
}

const FILTERS = ['auth_type', 'full_name', 'email', 'remote_id'] as const

function matcher(query: z.infer<typeof LockoutSearchQuery>): (body: Body) => boolean {
  const tests = FILTERS.flatMap((field) => {
    const wanted = query[field]
    return wanted === undefined ? [] : [(body: Body) => like(body[field] ?? '', wanted)]
  })
  if (query.filter_or === true && tests.length > 0) return (body) => tests.some((test) => test(body))
  return (body) => tests.every((test) => test(body))
}

/** SQL's LIKE with `%` alone, in time that grows with the lengths only. */
function like(text: string, pattern: string): boolean {
  const value = text.toLowerCase()
  const [first = '', ...rest] = pattern.toLowerCase().split('%')
  if (rest.length === 0) return value === first
  if (!value.startsWith(first)) return false
  const last = rest.pop() ?? ''
  let at = first.length
  for (const part of rest) {
    const found = value.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return value.length - last.length >= at && value.endsWith(last)
}

function sorted(bodies: readonly Body[], sorts: string | undefined): readonly Body[] {
  const keys = (sorts ?? '').split(',').flatMap((text) => {
    const [name = '', direction] = text.trim().split(/\s+/)
    const field = SORTABLE.find((one) => one === name)
    return field === undefined ? [] : [{ field, sign: direction?.toLowerCase() === 'desc' ? -1 : 1 }]
  })
  return bodies.toSorted((a, b) => {
    for (const { field, sign } of keys) {
      const [left, right] = [a[field] ?? '', b[field] ?? '']
      if (left !== right) return left < right ? -sign : sign
    }
    return 0
  })
}

const SORTABLE = ['key', 'auth_type', 'ip', 'user_id', 'full_name', 'email', 'fail_count', 'lockout_at'] as const

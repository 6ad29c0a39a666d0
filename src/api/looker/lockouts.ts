/** Users who are locked for an address after too many wrong passwords. For administrators. */
import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, type Result } from '../../domain/result.ts'
import { endLockout, type Lockout, listLockouts } from '../../store/sign-in-attempts.ts'
import { parseQuery } from '../parse.ts'
import { selectFields } from './body.ts'
import { answer, answerNothing, auditEntry, type Operation, type Outcome, requireAdministrator } from './caller.ts'
import { FieldsQuery, type LockoutBody, LockoutSearchQuery } from './schemas.ts'

type Body = z.infer<typeof LockoutBody>

/** `GET /user_login_lockouts`, the newest first. */
export async function listUserLockouts(operation: Operation): Outcome {
  const query = parseQuery(operation.request, FieldsQuery)
  if (!query.ok) return query
  const lockouts = await lockoutsOf(operation)
  if (!lockouts.ok) return lockouts
  return answer(lockouts.value.map((lockout) => selectFields(lockoutBody(lockout), query.value.fields)))
}

/** `GET /user_login_lockouts/search`. Filters ignore case, and `%` stands for any text. */
export async function searchUserLockouts(operation: Operation): Outcome {
  const query = parseQuery(operation.request, LockoutSearchQuery)
  if (!query.ok) return query
  const lockouts = await lockoutsOf(operation)
  if (!lockouts.ok) return lockouts
  const { fields, sorts, limit, offset, page, per_page: perPage } = query.value
  const matching = sorted(lockouts.value.map(lockoutBody).filter(matcher(query.value)), sorts)
  const size = limit ?? perPage ?? matching.length
  const start = offset ?? ((page ?? 1) - 1) * size
  return answer(matching.slice(start, start + size).map((body) => selectFields(body, fields)))
}

/** `DELETE /user_login_lockout/{key}`: the user may try again at once. */
export async function deleteUserLockout(operation: Operation): Outcome {
  const lockouts = await lockoutsOf(operation)
  if (!lockouts.ok) return lockouts
  const lockout = lockouts.value.find((one) => keyOf(one) === operation.parameters.key)
  if (lockout === undefined) return fail({ code: 'path_not_found' })
  const entry = auditEntry(operation, 'user.unlocked', `user:${lockout.user.userId}`)
  const ended = await endLockout(operation.context.services.db, lockout, entry)
  return ended.ok ? answerNothing() : ended
}

async function lockoutsOf(operation: Operation): Promise<Result<readonly Lockout[], SessionError>> {
  const allowed = requireAdministrator(operation)
  if (!allowed.ok) return allowed
  const { services, now } = operation.context
  return listLockouts(services.db, operation.identityStoreId, now)
}

/** Opaque: what is counted stays our own business. */
function keyOf({ subject }: Lockout): string {
  return hash('sha256', subject, 'hex')
}

function lockoutBody(lockout: Lockout): Body {
  const { user, address, attempts, lockedAt } = lockout
  return {
    can: { show: true, delete: true },
    key: keyOf(lockout),
    auth_type: 'email',
    ip: address,
    user_id: user.userId,
    remote_id: null,
    full_name: [user.firstName, user.lastName].filter((name) => name !== null).join(' ') || user.username,
    email: user.emailAddress,
    fail_count: attempts,
    lockout_at: new Date(lockedAt).toISOString(),
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

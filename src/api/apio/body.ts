/** Bodies: JSON objects on the way in, users as APIO shows them on the way out. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, type Result } from '../../domain/result.ts'
import { mediaType, readBody, utf8 } from '../../http/body.ts'
import type { User } from '../../store/users.ts'
import { parseValue } from '../parse.ts'
import type { LoginBody, SessionInfoBody } from './schemas.ts'

const JSON_TYPE = 'application/json'
const NO_OBJECT: SessionError = { code: 'unsupported_media_type', accepted: [JSON_TYPE] }

/** A body that is a JSON object and fits `schema`. Errors: `unsupported_media_type` for anything but a JSON object. */
export async function parseObject<T>(
  request: Request,
  schema: z.ZodType<T>,
  empty: 'refused' | 'may_be_empty' = 'refused',
): Promise<Result<T, SessionError>> {
  const body = await readBody(request)
  if (!body.ok) return body
  if (empty === 'may_be_empty' && body.value.length === 0) return parseValue({}, schema)
  if (mediaType(request) !== JSON_TYPE) return fail(NO_OBJECT)
  const value = parsed(utf8(body.value))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(NO_OBJECT)
  return parseValue(value, schema)
}

/** The ids that fit the kind of user, from the widest to the narrowest. */
function idsOf({ userLevel, identityStoreId, groupId, userId }: User): z.infer<typeof SessionInfoBody>['ids'] {
  if (userLevel >= SYSTEM) return {}
  if (userLevel >= TENANT_ADMIN) return { tenant_id: identityStoreId }
  const group = { tenant_id: identityStoreId, ...(groupId === null ? {} : { group_id: groupId }) }
  return userLevel > END_USER ? group : { ...group, user_id: userId }
}

const SYSTEM = 16
const TENANT_ADMIN = 12
const END_USER = 0

function profileOf(user: User): z.infer<typeof SessionInfoBody>['profile'] {
  const { firstName, lastName, emailAddress } = user
  return {
    user_level: user.userLevel,
    ...(firstName === null ? {} : { first_name: firstName }),
    ...(lastName === null ? {} : { last_name: lastName }),
    ...(emailAddress === null ? {} : { emailAddress }),
  }
}

/** The answer to every way of signing in. */
export function loginBody(user: User, isFirstLogin: boolean): z.infer<typeof LoginBody> {
  return { ids: idsOf(user), profile: { ...profileOf(user), is_first_login: isFirstLogin } }
}

/** The answer to reading and changing the login profile. */
export function sessionInfoBody(user: User): z.infer<typeof SessionInfoBody> {
  return { ids: idsOf(user), profile: profileOf(user), username: user.username ?? '' }
}

function parsed(text: string | null): unknown {
  if (text === null) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Users of an identity store, one at a time. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { profileDifference } from '../../domain/profile.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { usernameSpellings } from '../../domain/text.ts'
import type { AuditEntry } from '../../store/audit-events.ts'
import { findOpenIdProvider } from '../../store/openid-providers.ts'
import {
  type ChangedMeanwhile,
  deleteUser,
  putUser,
  type UserChanges,
  type UsernameTaken,
  updateUser,
} from '../../store/user-changes.ts'
import { findUserByUsername, listUsers, readUserRow, type User } from '../../store/users.ts'
import { auditEntry } from '../audit.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { requireStore } from './identity-stores.ts'
import { answer, answerNothing, instant, type Operation, type Outcome, page } from './operation.ts'
import { newProfile, type SharedUser, shareProfile } from './profile-sharing.ts'
import { PageQuery, type UserBody, UserInput, UserPatch } from './schemas.ts'

/** `GET …/users` */
export async function listStoreUsers({ request, context, identityStoreId }: Operation): Outcome {
  const query = parseQuery(request, PageQuery)
  if (!query.ok) return query
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { limit, cursor } = query.value
  const users = await listUsers(context.services.db, identityStoreId, cursor ?? null, limit + 1)
  if (!users.ok) return users
  const { rows, nextCursor } = page(users.value, limit, (user) => user.userId)
  return answer({ users: rows.map(userBody), next_cursor: nextCursor })
}

/** `GET …/users/{user_id}` */
export async function getUser(operation: Operation): Outcome {
  const user = await requireUser(operation)
  return user.ok ? answer(userBody(user.value)) : user
}

/** `PUT …/users/{user_id}`: creates, replaces, or revives. */
export async function putStoreUser(operation: Operation): Outcome {
  const { request, context, identityStoreId, userId } = operation
  const { db, sessions } = context.services
  const input = await parseJson(request, UserInput)
  if (!input.ok) return input
  const seen = await seenUser(operation)
  if (!seen.ok) return seen
  const free = await requireFreeUsername(operation, input.value.username)
  if (!free.ok) return free
  const hash = await newPasswordHash(operation, input.value)
  if (!hash.ok) return hash

  const row = seen.value
  const creates = row === null || row.deletedAt !== null
  const fields = namedFields(input.value)
  const entry = userEntry(operation, creates ? 'user.created' : 'user.replaced')
  const put = () => putUser(db, userId, fields, hash.value, row?.statusVersion ?? null, entry)
  // A user who never was has no sessions that must be told.
  const needsTelling = row !== null && (creates || hash.value !== undefined || row.active !== fields.active)
  const done = needsTelling ? await sessions.changes.changeRules({ identityStoreId, userId }, put) : await put()
  if (!done.ok) return fail(refusal(done.error))
  if (creates) return answer(sharedBody(await newProfile(operation, done.value)), 201)
  return answer(sharedBody(await shareProfile(operation, done.value, profileDifference(row, fields))))
}

/** `PATCH …/users/{user_id}` */
export async function patchUser(operation: Operation): Outcome {
  const { request, context, identityStoreId, userId } = operation
  const { db, sessions } = context.services
  const input = await parseJson(request, UserPatch)
  if (!input.ok) return input
  const user = await requireUser(operation)
  if (!user.ok) return user
  const free = await requireFreeUsername(operation, input.value.username)
  if (!free.ok) return free
  const passwordHash = await newPasswordHash(operation, input.value)
  if (!passwordHash.ok) return passwordHash

  const { openid_subject: openidSubject } = input.value
  if (typeof openidSubject === 'string') {
    const provider = await findOpenIdProvider(db, identityStoreId)
    if (!provider.ok) return provider
    if (provider.value === null) return fail(NO_PROVIDER)
  }
  const changes: UserChanges = { ...namedFields(input.value), passwordHash: passwordHash.value, openidSubject }
  const entry = userEntry(operation, 'user.updated')
  const update = async (): Promise<Result<User, UserFault>> => {
    const updated = await updateUser(db, userId, changes, entry)
    if (!updated.ok) return updated
    return updated.value === null ? fail({ code: 'user_not_found' }) : ok(updated.value)
  }
  const needsTelling = changes.active !== undefined || changes.passwordHash !== undefined
  const done = needsTelling ? await sessions.changes.changeRules({ identityStoreId, userId }, update) : await update()
  if (!done.ok) return fail(refusal(done.error))
  const { firstName, lastName, emailAddress } = changes
  const named = firstName !== undefined || lastName !== undefined || emailAddress !== undefined
  const written = named ? { firstName, lastName, emailAddress } : null
  return answer(sharedBody(await shareProfile(operation, done.value, written)))
}

/** `DELETE …/users/{user_id}` */
export async function deleteStoreUser(operation: Operation): Outcome {
  const { context, identityStoreId, userId } = operation
  const user = await requireUser(operation)
  if (!user.ok) return user
  const entry = userEntry(operation, 'user.deleted')
  const done = await context.services.sessions.changes.changeRules<undefined, SessionError>(
    { identityStoreId, userId },
    async () => {
      const deleted = await deleteUser(context.services.db, userId, entry)
      if (!deleted.ok) return deleted
      return deleted.value ? ok() : fail({ code: 'user_not_found' })
    },
  )
  return done.ok ? answerNothing() : done
}

/** A subject belongs to its issuer: without one it would name nobody. */
const NO_PROVIDER: SessionError = {
  code: 'conflict',
  detail: 'openid_subject: the identity store has no OpenID provider whose subject it could be.',
}

type UserFault = SessionError | UsernameTaken | ChangedMeanwhile

function refusal(error: UserFault): SessionError {
  switch (error.code) {
    case 'username_taken':
      return { code: 'conflict', detail: 'username: another user has it.' }
    case 'openid_subject_taken':
      return { code: 'conflict', detail: 'openid_subject: another user of the identity store has it.' }
    case 'changed_meanwhile':
      return { code: 'conflict', detail: 'The user was changed at the same time. Look again.' }
    default:
      return error
  }
}

/**
 * Of a name that was once kept in other spellings, whether nobody else has it in one of those. The names of today are
 * kept apart by the database. Errors: `conflict`, `unavailable`.
 */
async function requireFreeUsername(
  { context, identityStoreId, userId }: Operation,
  username: string | undefined,
): Promise<Result<void, SessionError>> {
  if (username === undefined || usernameSpellings(username).length === 1) return ok()
  const found = await findUserByUsername(context.services.db, username)
  if (!found.ok) return found
  const user = found.value?.user
  const own = user === undefined || (user.identityStoreId === identityStoreId && user.userId === userId)
  return own ? ok() : fail(refusal({ code: 'username_taken' }))
}

async function requireUser(operation: Operation): Promise<Result<User, SessionError>> {
  const seen = await seenUser(operation)
  if (!seen.ok) return seen
  return seen.value === null || seen.value.deletedAt !== null ? fail({ code: 'user_not_found' }) : ok(seen.value)
}

/** The user's row in a store that is there; also a deleted user's. */
async function seenUser({ context, identityStoreId, userId }: Operation): Promise<Result<User | null, SessionError>> {
  const store = await requireStore(context, identityStoreId)
  return store.ok ? readUserRow(context.services.db, { identityStoreId, userId }) : store
}

/** The hash to be stored: undefined to leave it, null for no password. Errors: `unavailable`. */
async function newPasswordHash(
  { context, identityStoreId, userId }: Operation,
  input: { readonly password?: string | undefined; readonly password_hash?: string | null | undefined },
): Promise<Result<string | null | undefined, SessionError>> {
  if (input.password === undefined) return ok(input.password_hash)
  return context.services.hashers.hash({ identityStoreId, userId }, input.password)
}

function userEntry({ context, caller, identityStoreId, userId }: Operation, action: string): AuditEntry {
  return auditEntry(context, `credential:${caller.credentialId}`, identityStoreId, action, `user:${userId}`)
}

/** The fields of a body under our names; what the body leaves out stays out. */
export function namedFields<Input extends z.infer<typeof UserInput> | z.infer<typeof UserPatch>>(input: Input) {
  return {
    username: input.username as Input['username'],
    groupId: input.group_id as Input['group_id'],
    role: input.role as Input['role'],
    userLevel: input.user_level as Input['user_level'],
    loginMode: input.login_mode as Input['login_mode'],
    bot: input.bot as Input['bot'],
    active: input.active as Input['active'],
    firstName: input.first_name as Input['first_name'],
    lastName: input.last_name as Input['last_name'],
    emailAddress: input.email_address as Input['email_address'],
  }
}

function sharedBody({ user, hereAlone }: SharedUser): z.input<typeof UserBody> {
  return { ...userBody(user), ...(hereAlone === undefined ? {} : { profile_here_alone: hereAlone }) }
}

function userBody(user: User): z.input<typeof UserBody> {
  return {
    identity_store_id: user.identityStoreId,
    user_id: user.userId,
    username: user.username ?? '',
    group_id: user.groupId,
    role: user.role,
    user_level: user.userLevel as z.infer<typeof UserBody>['user_level'],
    login_mode: user.loginMode,
    bot: user.bot,
    active: user.active,
    first_name: user.firstName,
    last_name: user.lastName,
    email_address: user.emailAddress,
    has_password: user.passwordHash !== null,
    openid_subject: user.openidSubject,
    created_at: instant(user.createdAt),
    updated_at: instant(user.updatedAt),
  }
}

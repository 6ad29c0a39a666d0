/** Users of an identity store, one at a time. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import type { UserKey } from '../../domain/ids.ts'
import { profileDifference } from '../../domain/profile.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { usernameSpellings } from '../../domain/text.ts'
import { wakeEndpointsOf } from '../../events/wake.ts'
import type { AuditEntry } from '../../store/audit-events.ts'
import { findOpenIdProvider } from '../../store/openid-providers.ts'
import {
  type ChangedMeanwhile,
  putUser,
  type UserChanges,
  type UsernameTaken,
  updateUser,
} from '../../store/user-changes.ts'
import { findUserByUsername, listUsers, readUserRow, type User } from '../../store/users.ts'
import { auditEntry } from '../audit.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { UserQuery } from './overview-schemas.ts'
import { newProfile, type SharedUser, shareProfile } from './profile-sharing.ts'
import { type UserBody, UserInput, UserPatch } from './schemas.ts'

export interface UserPath extends StorePath {
  readonly user_id: string
}

/** `GET …/users` */
export async function listStoreUsers(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const query = parseQuery(request, UserQuery)
  if (!query.ok) return query
  const { limit, cursor = null, group_id: groupId, ...filter } = query.value
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const page = await listUsers(context.services.db, identityStoreId, { ...filter, groupId }, cursor, limit)
  if (!page.ok) return page
  const { rows, scanned, last } = page.value
  const next = filter.username === undefined ? last?.userId : last?.username
  return ok(json({ users: rows.map(userBody), next_cursor: next ?? null, scanned }))
}

/** `GET …/users/{user_id}` */
export async function getUser(_request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const user = await requireUser(ownerOf(path), context)
  return user.ok ? ok(json(userBody(user.value))) : user
}

/** `PUT …/users/{user_id}`: creates, replaces, or revives. */
export async function putStoreUser(request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const owner = ownerOf(path)
  const { db, sessions } = context.services
  const input = await parseJson(request, UserInput)
  if (!input.ok) return input
  const seen = await seenUser(owner, context)
  if (!seen.ok) return seen
  const free = await requireFreeUsername(owner, input.value.username, context)
  if (!free.ok) return free
  const hash = await newPasswordHash(owner, input.value, context)
  if (!hash.ok) return hash

  const row = seen.value
  const creates = row === null || row.deletedAt !== null
  const fields = namedFields(input.value)
  const entry = userEntry(owner, context, creates ? 'user.created' : 'user.replaced')
  const becomesBot = row !== null && !row.bot && fields.bot
  const put = async () => {
    const written = await putUser(db, owner.userId, fields, hash.value, row?.statusVersion ?? null, entry)
    if (written.ok && becomesBot) await endSessionsOfBot(owner, context)
    return written
  }
  // A user who never existed has no sessions that must be told.
  const needsTelling =
    row !== null &&
    (creates ||
      hash.value !== undefined ||
      row.active !== fields.active ||
      row.groupId !== fields.groupId ||
      becomesBot)
  const done = needsTelling ? await sessions.changes.changeRules(owner, put) : await put()
  if (!done.ok) return fail(refusal(done.error))
  if (!needsTelling) wakeEndpointsOf(db, context.services.endpoints, owner.identityStoreId)
  if (creates) return ok(json(sharedBody(await newProfile(done.value, context)), 201))
  return ok(json(sharedBody(await shareProfile(done.value, profileDifference(row, fields), context))))
}

/** `PATCH …/users/{user_id}` */
export async function patchUser(request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const owner = ownerOf(path)
  const { db, sessions } = context.services
  const input = await parseJson(request, UserPatch)
  if (!input.ok) return input
  const user = await requireUser(owner, context)
  if (!user.ok) return user
  const free = await requireFreeUsername(owner, input.value.username, context)
  if (!free.ok) return free
  const passwordHash = await newPasswordHash(owner, input.value, context)
  if (!passwordHash.ok) return passwordHash

  const { openid_subject: openidSubject } = input.value
  if (typeof openidSubject === 'string') {
    const provider = await findOpenIdProvider(db, owner.identityStoreId)
    if (!provider.ok) return provider
    if (provider.value === null) return fail(NO_PROVIDER)
  }
  const changes: UserChanges = { ...namedFields(input.value), passwordHash: passwordHash.value, openidSubject }
  const entry = userEntry(owner, context, 'user.updated')
  const becomesBot = changes.bot === true && !user.value.bot
  const update = async (): Promise<Result<User, UserFault>> => {
    const updated = await updateUser(db, owner.userId, changes, entry)
    if (!updated.ok) return updated
    if (updated.value === null) return fail({ code: 'user_not_found' })
    if (becomesBot) await endSessionsOfBot(owner, context)
    return ok(updated.value)
  }
  const changesGroup = changes.groupId !== undefined && changes.groupId !== user.value.groupId
  const needsTelling = changes.active !== undefined || changes.passwordHash !== undefined || changesGroup || becomesBot
  const done = needsTelling ? await sessions.changes.changeRules(owner, update) : await update()
  if (!done.ok) return fail(refusal(done.error))
  if (!needsTelling) wakeEndpointsOf(db, context.services.endpoints, owner.identityStoreId)
  const { firstName, lastName, emailAddress } = changes
  const named = firstName !== undefined || lastName !== undefined || emailAddress !== undefined
  const written = named ? { firstName, lastName, emailAddress } : null
  return ok(json(sharedBody(await shareProfile(done.value, written, context))))
}

/** `DELETE …/users/{user_id}` */
export async function deleteStoreUser(_request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const owner = ownerOf(path)
  const user = await requireUser(owner, context)
  if (!user.ok) return user
  const entry = userEntry(owner, context, 'user.deleted')
  const done = await context.services.sessions.changes.deleteUser(owner, entry)
  return done.ok ? ok(empty()) : done
}

/** Whom a path names. */
interface Owner {
  readonly identityStoreId: string
  readonly userId: string
}

function ownerOf({ identity_store_id: identityStoreId, user_id: userId }: UserPath): Owner {
  return { identityStoreId, userId }
}

/**
 * A user who becomes a bot loses its sessions, since Slack's API could not end a bot's. The new epoch keeps out
 * sign-ins that are under way, and ends what this call cannot reach.
 */
async function endSessionsOfBot(owner: UserKey, { services, requestId, actor }: OperatorContext): Promise<void> {
  const by = { caller: actor, requestId }
  await services.sessions.end(owner, { all: 'every kind' }, 'revoked', by)
}

/** A subject belongs to an issuer: without a provider it would name nobody. */
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
 * Whether no other user has this name in a spelling that earlier versions stored. Names as they are stored today are
 * unique in the database. Errors: `conflict`, `unavailable`.
 */
async function requireFreeUsername(
  { identityStoreId, userId }: Owner,
  username: string | undefined,
  context: OperatorContext,
): Promise<Result<void, SessionError>> {
  if (username === undefined || usernameSpellings(username).length === 1) return ok()
  const found = await findUserByUsername(context.services.db, username)
  if (!found.ok) return found
  const user = found.value?.user
  const own = user === undefined || (user.identityStoreId === identityStoreId && user.userId === userId)
  return own ? ok() : fail(refusal({ code: 'username_taken' }))
}

async function requireUser(owner: Owner, context: OperatorContext): Promise<Result<User, SessionError>> {
  const seen = await seenUser(owner, context)
  if (!seen.ok) return seen
  return seen.value === null || seen.value.deletedAt !== null ? fail({ code: 'user_not_found' }) : ok(seen.value)
}

/** The user's row in a store that is there; also a deleted user's. */
async function seenUser(owner: Owner, context: OperatorContext): Promise<Result<User | null, SessionError>> {
  const store = await requireStore(context, owner.identityStoreId)
  return store.ok ? readUserRow(context.services.db, owner) : store
}

/** The hash to be stored: undefined to leave it, null for no password. Errors: `unavailable`. */
async function newPasswordHash(
  owner: Owner,
  input: { readonly password?: string | undefined; readonly password_hash?: string | null | undefined },
  context: OperatorContext,
): Promise<Result<string | null | undefined, SessionError>> {
  if (input.password === undefined) return ok(input.password_hash)
  return context.services.hashers.hash(owner, input.password)
}

function userEntry({ identityStoreId, userId }: Owner, context: OperatorContext, action: string): AuditEntry {
  return auditEntry(context, identityStoreId, action, `user:${userId}`)
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
    created_at: timestamp(user.createdAt),
    updated_at: timestamp(user.updatedAt),
  }
}

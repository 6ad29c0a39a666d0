/** The ways in which a caller of the operator API is known. What it may do is decided in caller.ts. */

import { consoleToken } from '../../auth/console-cookie.ts'
import { authenticateBearer } from '../../auth/credentials.ts'
import { isMeant, isUnsafe } from '../../auth/origins.ts'
import { type OperatorScope, operatorScopes } from '../../auth/scopes.ts'
import { bearerToken, type CarriedToken, saysBearer } from '../../auth/session-carriers.ts'
import {
  administers,
  mayDo,
  type Party,
  ROLES,
  type Role,
  rolesWithin,
  type UserAction,
} from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { NO_STORE } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { stillHolds } from '../../domain/session.ts'
import type { SessionView } from '../../domain/session-view.ts'
import type { Credential } from '../../store/credentials.ts'
import { findUser } from '../../store/users.ts'
import type { RequestContext } from '../context.ts'
import { asHolder } from '../session-holder.ts'
import { credentialError } from '../wrong-token.ts'

/** Who calls. */
export interface OperatorCaller {
  /** The caller in records and the audit log. */
  readonly actor: string
  readonly scopes: readonly OperatorScope[]
  /** The identity stores that the caller is limited to; others do not exist for it. Null: all. */
  readonly limitedStoreIds: readonly string[] | null
  /** The rule of who may do what to whom. Operators may do everything to everybody. */
  readonly mayDo: (action: UserAction, target: Party) => boolean
  /** The same rule, for what is decided in the database: the roles of those to whom the caller may do it. */
  readonly rolesWithin: (action: UserAction) => readonly Role[]
  /** Of the credential or the user, for people. */
  readonly name: string
  /** An operator's; null of a user. */
  readonly credentialId: string | null
  /** The session that the request is made with. Null: the caller shows the credential itself. */
  readonly session: SessionView | null
  /** When the credential or the session expires, epoch milliseconds; null: never. */
  readonly expiresAt: number | null
}

/** What a user may do who administers a store, there. */
export const ADMINISTRATOR_SCOPES: readonly OperatorScope[] = ['operator:read', 'operator:sessions', 'operator:policy']

/**
 * Who calls: an operator, by its credential or by a console session, or a user by a web session. Errors: those of credentials and of sessions;
 * `origin_not_allowed`. Whoever is neither an operator nor an administrator has no scopes.
 */
export async function knownCaller(
  request: Request,
  context: RequestContext,
): Promise<Result<OperatorCaller, SessionError>> {
  const isSession = (await context.services.tokens.verify(bearerToken(request) ?? ''))?.kind === 'web'
  if (saysBearer(request)) return isSession ? administrator(request, context) : operator(request, context)
  const { settings, tokens } = context.services
  const inCookie = await consoleToken(request, settings, tokens)
  return inCookie === null ? administrator(request, context) : operatorInBrowser(request, inCookie, context)
}

/** A scope alone is not enough: the credential must be of the service itself, not of an identity store. */
async function operator(request: Request, context: RequestContext): Promise<Result<OperatorCaller, SessionError>> {
  const found = await authenticateBearer(context.services.db, request, context)
  if (!found.ok) return fail(await credentialError(found.error, request, context))
  const { identityStoreId, scopes } = found.value
  return ok({
    ...operatorBy(found.value),
    scopes: identityStoreId === NO_STORE ? operatorScopes(scopes) : [],
    session: null,
  })
}

/** A console session. Its cookie is for the pages of the service itself: those of other origins are customers'. */
async function operatorInBrowser(
  request: Request,
  { text }: CarriedToken,
  { services, client, requestId, now }: RequestContext,
): Promise<Result<OperatorCaller, SessionError>> {
  const verified = await services.sessions.verify(text, 'operator')
  if (!verified.ok) return verified
  if (!isFromConsole(request, services.settings.publicOrigins)) return fail({ code: 'origin_not_allowed' })
  const live = await services.consoleSessions.check(
    verified.value,
    { touch: isActivity(request), client },
    requestId,
    now,
  )
  if (!live.ok) return live
  const { checked, credential } = live.value
  return ok({
    ...operatorBy(credential),
    session: checked,
    expiresAt: endOf(checked.expiresAt, credential.expiresAt),
  })
}

/** When a console session ends at the latest: with its credential. */
export function endOf(sessionExpiresAt: number, credentialExpiresAt: number | null | undefined): number {
  return Math.min(sessionExpiresAt, credentialExpiresAt ?? sessionExpiresAt)
}

/** An operator by its credential. */
export function operatorBy({ credentialId, name, scopes, limitedStoreIds, expiresAt }: OperatorCredential) {
  return {
    actor: `credential:${credentialId}`,
    scopes: operatorScopes(scopes),
    limitedStoreIds,
    ...EVERYTHING,
    name,
    credentialId,
    expiresAt,
  }
}

type OperatorCredential = Pick<Credential, 'credentialId' | 'name' | 'scopes' | 'limitedStoreIds' | 'expiresAt'>

/** A page that asks by itself what is new keeps no session awake. */
function isActivity(request: Request): boolean {
  return request.headers.get('latchkey-console') !== 'poll'
}

function isFromConsole(request: Request, publicOrigins: readonly string[]): boolean {
  const origin = request.headers.get('origin')
  if (isUnsafe(request)) return isMeant(request, publicOrigins)
  return origin === null || publicOrigins.includes(origin)
}

/** What an operator may do to users. */
const EVERYTHING = { mayDo: () => true, rolesWithin: () => ROLES } as const

/** A user with the own web session, and with the role that the user has now. */
async function administrator(request: Request, context: RequestContext): Promise<Result<OperatorCaller, SessionError>> {
  const { services, client, now } = context
  const { settings, sessions } = services
  const origins = [...settings.publicOrigins, ...settings.allowedOrigins]
  const options = { touch: isActivity(request), cookie: false, client, maxAgeSeconds: 0 }
  const held = await asHolder(request, context, async (session) =>
    session.cookieName !== null && isUnsafe(request) && !isMeant(request, origins)
      ? fail({ code: 'origin_not_allowed' })
      : sessions.check(session, options, now),
  )
  if (!held.ok) return held
  const { checked } = held.value.value
  const { identityStoreId, userId } = checked
  const found = await findUser(services.db, { identityStoreId, userId })
  if (!found.ok) return found
  if (found.value === null || !stillHolds(checked.session, found.value.user)) return fail({ code: 'unauthenticated' })
  const { user } = found.value
  return ok({
    actor: `user:${userId}`,
    scopes: administers(user.role) ? ADMINISTRATOR_SCOPES : [],
    limitedStoreIds: [identityStoreId],
    mayDo: (action, target) => mayDo(user, action, target),
    rolesWithin: (action) => rolesWithin(user.role, action),
    name: user.username ?? '',
    credentialId: null,
    session: checked,
    expiresAt: checked.expiresAt,
  })
}

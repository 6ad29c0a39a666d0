/** The ways in which a caller of the operator API is known. What it may do is decided in caller.ts. */
import { authenticateBearer } from '../../auth/credentials.ts'
import { isMeant, isUnsafe } from '../../auth/origins.ts'
import { type OperatorScope, operatorScopes } from '../../auth/scopes.ts'
import { bearerToken, saysBearer } from '../../auth/session-carriers.ts'
import { administers, type Deed, mayDo, type Party, ROLES, type Role, rolesWithin } from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { OPERATOR_STORE } from '../../store/credentials.ts'
import { findUser } from '../../store/users.ts'
import type { RequestContext } from '../context.ts'
import { asHolder } from '../session-holder.ts'
import { credentialError } from '../wrong-token.ts'

/** Who calls. */
export interface OperatorCaller {
  /** The caller in records and the audit log. */
  readonly actor: string
  readonly scopes: readonly OperatorScope[]
  /** The only identity stores that there are for the caller. Null: all. */
  readonly limitedStoreIds: readonly string[] | null
  /** The rule of who may do what to whom. Operators may do everything to everybody. */
  readonly mayDo: (deed: Deed, target: Party) => boolean
  /** The same rule, for what is decided in the database: the roles of those to whom the caller may do it. */
  readonly rolesWithin: (deed: Deed) => readonly Role[]
  /** When the caller last proved who it is, epoch milliseconds. Null: in this very request. */
  readonly provenAt: number | null
}

/** What a user may do who administers a store, there. */
const ADMINISTRATOR_SCOPES: readonly OperatorScope[] = ['operator:read', 'operator:sessions', 'operator:policy']

/**
 * Who calls: an operator by its credential, or a user by a web session. Errors: those of credentials and of sessions;
 * `origin_not_allowed`. Whoever is neither an operator nor an administrator has no scopes.
 */
export async function knownCaller(
  request: Request,
  context: RequestContext,
): Promise<Result<OperatorCaller, SessionError>> {
  const isSession = (await context.services.tokens.verify(bearerToken(request) ?? ''))?.kind === 'web'
  return saysBearer(request) && !isSession ? operator(request, context) : administrator(request, context)
}

/** A scope alone is not enough: the credential must be of the service itself, not of an identity store. */
async function operator(request: Request, context: RequestContext): Promise<Result<OperatorCaller, SessionError>> {
  const found = await authenticateBearer(context.services.db, request, context)
  if (!found.ok) return fail(await credentialError(found.error, request, context))
  const { identityStoreId, credentialId, scopes, limitedStoreIds } = found.value
  return ok({
    actor: `credential:${credentialId}`,
    scopes: identityStoreId === OPERATOR_STORE ? operatorScopes(scopes) : [],
    limitedStoreIds,
    ...EVERYTHING,
    provenAt: null,
  })
}

/** What an operator may do to users. */
const EVERYTHING = { mayDo: () => true, rolesWithin: () => ROLES } as const

/** A user with the own web session, and with the role that the user has now. */
async function administrator(request: Request, context: RequestContext): Promise<Result<OperatorCaller, SessionError>> {
  const { services, client, now } = context
  const { settings, sessions } = services
  const origins = [...settings.publicOrigins, ...settings.allowedOrigins]
  const options = { touch: true, cookie: false, client, maxAgeSeconds: 0 }
  const held = await asHolder(request, context, async (session) =>
    session.cookieName !== null && isUnsafe(request) && !isMeant(request, origins)
      ? fail({ code: 'origin_not_allowed' })
      : sessions.check(session, options, now),
  )
  if (!held.ok) return held
  const { identityStoreId, userId, session } = held.value.value.checked
  const found = await findUser(services.db, { identityStoreId, userId })
  if (!found.ok) return found
  // Disabled a moment ago, and the user's object may not have been told yet.
  if (found.value === null || !found.value.user.active) return fail({ code: 'unauthenticated' })
  const { user } = found.value
  return ok({
    actor: `user:${userId}`,
    scopes: administers(user.role) ? ADMINISTRATOR_SCOPES : [],
    limitedStoreIds: [identityStoreId],
    mayDo: (deed, target) => mayDo(user, deed, target),
    rolesWithin: (deed) => rolesWithin(user.role, deed),
    provenAt: session.openedAt,
  })
}

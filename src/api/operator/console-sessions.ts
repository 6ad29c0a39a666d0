/** Operators' console sessions: opened and confirmed by the token, looked at, ended. */
import type { z } from 'zod'
import { consoleToken, forgetConsoleCookie, issueConsoleCookie } from '../../auth/console-cookie.ts'
import { isMeant, originAllowed } from '../../auth/origins.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import type { VerifiedToken } from '../../sessions/service.ts'
import {
  findConsoleSessionOwner,
  type ListedConsoleSession,
  listConsoleSessions,
} from '../../store/console-sessions.ts'
import { auditFacts } from '../audit.ts'
import { withCookies } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'
import { parseJson } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { confirmedUntil, type OperatorContext } from './caller.ts'
import {
  type CallerBody,
  type ConsoleCodeBody,
  ConsoleCodeInput,
  type ConsoleSessionListBody,
} from './console-session-schemas.ts'
import { endOf, type OperatorCaller, operatorBy } from './known-caller.ts'
import { readPage } from './pages.ts'

/** `POST /console-sessions`: a token for a cookie. A session that the browser has is replaced. */
export async function openConsoleSession(
  request: Request,
  _parameters: object,
  context: OperatorContext,
): HandlerResult {
  if (!isFromOwnPages(request, context)) return fail({ code: 'origin_not_allowed' })
  return open(request, 'operator_token', await carried(request, context), 201, context)
}

/** `POST /console-sessions/codes`: what a token is good for, to be carried elsewhere. No session makes another. */
export async function makeCode(_request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const { credentialId, session } = context.caller
  if (credentialId === null || session !== null) return fail({ code: 'unauthenticated' })
  const made = await context.services.consoleSessions.makeCode(credentialId, entryOf(context))
  if (!made.ok) return made
  const body: z.infer<typeof ConsoleCodeBody> = { code: made.value.code, expires_at: timestamp(made.value.expiresAt) }
  return ok(json(body, 201))
}

/** `POST /console-sessions/by-code`: a code for a cookie, as `openConsoleSession` does with a token. */
export async function openByCode(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, client, now } = context
  if (!isFromOwnPages(request, context)) return fail({ code: 'origin_not_allowed' })
  const input = await parseJson(request, ConsoleCodeInput)
  if (!input.ok) return input
  const found = await services.consoleSessions.redeemCode(input.value.code, client, now)
  if (!found.ok) return found
  const caller = { ...operatorBy(found.value), session: null }
  const known = { ...context, caller, actor: caller.actor }
  return open(request, 'login_token', await carried(request, context), 201, known)
}

/** `POST /console-sessions/current/confirm`: the token once more. The session goes on as a new one. */
export async function confirm(request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const { services, client, requestId, now } = context
  const session = await carried(request, context)
  if (session === null) return fail({ code: 'unauthenticated' })
  if (!isMeant(request, services.settings.publicOrigins)) return fail({ code: 'origin_not_allowed' })
  const live = await services.consoleSessions.check(session, { touch: true, client }, requestId, now)
  if (!live.ok) return live
  if (live.value.credential.credentialId === context.caller.credentialId) {
    return open(request, 'operator_token', session, 200, context)
  }
  const detail = 'The token is of another credential than the session.'
  return fail({ code: 'forbidden', needed: [], provided: context.caller.scopes, detail })
}

/** `GET /console-sessions/current`: who calls, whichever way. */
export function whoAmI(_request: Request, _parameters: object, { caller }: OperatorContext): Result<Response, never> {
  return ok(json(callerBody(caller)))
}

/** `GET /console-sessions` */
export async function listAll(request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const { services, now, caller } = context
  const lifeMilliseconds = services.settings.limits.operatorSessionSeconds * 1000
  const read = (cursor: string | null, limit: number) =>
    listConsoleSessions(services.db, { before: cursor, limit }, now - lifeMilliseconds, now)
  const page = await readPage(request, read, ({ sessionId }) => sessionId)
  if (!page.ok) return page
  const current = caller.session?.session.id
  const body: z.infer<typeof ConsoleSessionListBody> = {
    console_sessions: page.value.rows.map((row) => listedBody(row, lifeMilliseconds, row.sessionId === current)),
    next_cursor: page.value.nextCursor,
    source: 'mirror',
  }
  return ok(json(body))
}

/** `DELETE /console-sessions/{session_id}`: somebody's, also the own. */
export async function endOne(
  _request: Request,
  { session_id: sessionId }: { readonly session_id: string },
  context: OperatorContext,
): HandlerResult {
  const { db, consoleSessions } = context.services
  const owner = await findConsoleSessionOwner(db, sessionId)
  if (!owner.ok) return owner
  if (owner.value === null) return fail({ code: 'session_not_found' })
  const ended = await consoleSessions.end(owner.value, sessionId, 'revoked', entryOf(context))
  return ended.ok ? ok(empty()) : ended
}

/** `DELETE /console-sessions/current`: signs out. */
export async function signOut(request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const { session, credentialId } = context.caller
  if (session === null || credentialId === null) return fail({ code: 'session_not_found' })
  const { settings, consoleSessions } = context.services
  const ended = await consoleSessions.end(credentialId, session.session.id, 'logout', entryOf(context))
  return ended.ok ? ok(withCookies(empty(), [forgetConsoleCookie(request, settings)])) : ended
}

/** Opens a session for the operator who shows the token in this request, or a code for it. Errors: `unauthenticated`, `unavailable`. */
async function open(
  request: Request,
  shown: 'operator_token' | 'login_token',
  replaces: VerifiedToken | null,
  status: 200 | 201,
  context: OperatorContext,
): HandlerResult {
  const { services, client, caller } = context
  const { credentialId } = caller
  if (credentialId === null || caller.session !== null) return fail({ code: 'unauthenticated' })
  const opened = await services.consoleSessions.open(credentialId, shown, client, replaces, entryOf(context))
  if (!opened.ok) return opened
  const { token, ended: _, ...view } = opened.value
  const expiresAt = endOf(view.expiresAt, caller.expiresAt)
  const body = callerBody({ ...caller, expiresAt, session: view })
  return ok(withCookies(json(body, status), [issueConsoleCookie(request, services.settings, token)]))
}

/** Allowed origins are customers' pages; the console may only be used from the service's own. */
function isFromOwnPages(request: Request, { services }: RequestContext): boolean {
  return originAllowed(request, { publicOrigins: services.settings.publicOrigins, allowedOrigins: [] })
}

/** The console session that the browser has, as far as its token tells. */
async function carried(request: Request, { services }: RequestContext): Promise<VerifiedToken | null> {
  const found = await consoleToken(request, services.settings, services.tokens)
  return found?.token.kind === 'operator' ? found : null
}

function entryOf(context: OperatorContext) {
  return { ...auditFacts(context), actor: context.actor }
}

function callerBody(caller: OperatorCaller): z.infer<typeof CallerBody> {
  const { session, credentialId, limitedStoreIds, expiresAt } = caller
  const at = (instant: number | null | undefined) => (typeof instant === 'number' ? timestamp(instant) : null)
  return {
    actor: caller.actor,
    name: caller.name,
    credential_id: credentialId,
    user_id: credentialId === null ? (session?.userId ?? null) : null,
    scopes: [...caller.scopes],
    limited_store_ids: limitedStoreIds === null ? null : [...limitedStoreIds],
    session_id: session?.session.id ?? null,
    opened_at: at(session?.session.openedAt),
    expires_at: at(expiresAt),
    idles_out_at: at(session?.idlesOutAt),
    confirmed_until: session === null ? null : timestamp(confirmedUntil(session)),
  }
}

function listedBody(row: ListedConsoleSession, lifeMilliseconds: number, current: boolean) {
  const { browser, operatingSystem } = parseUserAgent(row.userAgent)
  return {
    session_id: row.sessionId,
    credential_id: row.credentialId,
    name: row.name,
    current,
    opened_at: timestamp(row.openedAt),
    expires_at: timestamp(endOf(row.openedAt + lifeMilliseconds, row.credentialExpiresAt)),
    address: row.address,
    browser,
    operating_system: operatingSystem,
  }
}

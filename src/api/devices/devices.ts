/** `/devices`: a user's own sessions on a page, and their ends by forms. */
import type { z } from 'zod'
import type { CarriedToken } from '../../auth/session-carriers.ts'
import { HOST_COOKIE } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { LOGIN_MODE_RULES } from '../../identity/login-modes.ts'
import { DEVICES_PAGE_ENDED, DEVICES_PAGE_SESSIONS, ENDED_SHOWN_MILLISECONDS } from '../../limits.ts'
import { log } from '../../log.ts'
import type { CheckedSession, OwnSessions } from '../../sessions/object/calls.ts'
import { recordAuditEvent } from '../../store/audit-events.ts'
import { readUserHistory } from '../../store/user-history.ts'
import { findUser, type KnownUser } from '../../store/users.ts'
import { auditEntry } from '../audit.ts'
import { carriedSessions } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'
import { parseForm, parseQuery } from '../parse.ts'
import { handOver, openAfterPassword, signInByPassword } from '../password-sign-in.ts'
import type { HandlerResult } from '../route.ts'
import { asHolder } from '../session-holder.ts'
import { type Confirmation, type DevicesView, devicesHeader, devicesMain } from './devices-view.ts'
import { renderError, statusOf } from './errors.ts'
import { pageResponse, seeOther } from './page.ts'
import { DevicesForm, DevicesQuery } from './schemas.ts'
import { viewFor } from './sign-in.ts'
import { signInPage } from './sign-in-view.ts'

type Form = z.infer<typeof DevicesForm>
type Query = z.infer<typeof DevicesQuery>

/** `GET /devices`. */
export async function showDevices(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const query = parseQuery(request, DevicesQuery)
  if (!query.ok) return query
  const list = await asHolder(request, context, (caller) => listOwn(caller, query.value, context))
  if (!list.ok) return notSignedIn(list.error, request, context)
  return ok(await devicesPage(list.value.value, { query: query.value }, context))
}

/**
 * `POST /devices`: ends other sessions of the user. Who signed in too long ago is asked for the password first, on the
 * same page; with it comes a new session in place of this one, and what was asked is done.
 */
export async function changeDevices(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, client, now } = context
  const how = { touch: true, cookie: false, client, maxAgeSeconds: 0 }
  const found = await asHolder(request, context, (caller) => services.sessions.check(caller, how, now))
  if (!found.ok) return notSignedIn(found.error, request, context)
  const form = await parseForm(request, DevicesForm)
  if (!form.ok) return form
  const { caller, value } = found.value
  const { checked } = value
  if (isFresh(checked, context)) return afterwards(await act(caller, checked, form.value, context), caller, context)
  const { username, password } = form.value
  if (username === undefined || password === undefined) return askAgain(caller, form.value, null, context)

  const user = await signInByPassword(request, context, { username, password })
  if (!user.ok) return askAgain(caller, form.value, user.error, context)
  // Somebody else's password does not show that this is the user.
  if (!isOf(checked, user.value)) return askAgain(caller, form.value, { code: 'invalid_credentials' }, context)
  const carried = await carriedSessions(request, context)
  if (!carried.ok) return carried
  const asked = { persistent: checked.session.persistent, cookie: true }
  const opened = await openAfterPassword(context, user.value, asked, carried.value)
  if (!opened.ok) return askAgain(caller, form.value, opened.error, context)
  const verified = await services.sessions.verify(opened.value.token, 'web')
  if (!verified.ok) return verified
  const anew = { ...verified.value, cookieName: caller.cookieName }
  const done = await afterwards(await act(anew, checked, form.value, context), anew, context)
  // The new cookies are set also where the ends failed: the old session is gone.
  const response = done.ok ? done.value : renderError(done.error, context)
  // The cookie keeps its name: another API may read only that one.
  const preferHost = caller.cookieName === HOST_COOKIE
  const signedIn = { opened: opened.value, user: user.value.user, carried: carried.value, preferHost }
  return ok(handOver(response, request, context, signedIn))
}

/** Whether the user signed in lately enough to end other sessions. Source: OWASP ASVS 5.0, 7.5.2. */
function isFresh({ session }: CheckedSession, { services, now }: RequestContext): boolean {
  return now - session.openedAt <= services.settings.freshSignInSeconds * 1000
}

function isOf(checked: CheckedSession, { user }: KnownUser): boolean {
  return user.identityStoreId === checked.identityStoreId && user.userId === checked.userId
}

/** Ends what is asked for; answers how many sessions ended. What is not another session of the user is not there. */
async function act(
  caller: CarriedToken,
  { identityStoreId, userId }: CheckedSession,
  { act, session_id: sessionId = '' }: Form,
  context: RequestContext,
): Promise<Result<{ readonly act: Form['act']; readonly ended: number }, SessionError>> {
  const { services, requestId, now } = context
  if (act === 'end' && (!SESSION_ID_PATTERN.test(sessionId) || sessionId === caller.token.sessionId)) {
    return fail({ code: 'session_not_found' })
  }
  // Also where the named session has just ended, or never existed: a user who says “this was not me” wants all others
  // gone.
  const which = act === 'end' ? { sessionId } : 'others'
  const ended = await services.sessions.endOwn(caller, which, requestId, now)
  if (!ended.ok) return ended
  if (act === 'not_me') {
    // Written after the end, which must not wait for D1. That they ended is in the session records; this says why.
    const actor = `user:${userId}`
    const entry = auditEntry({ ...context, actor }, identityStoreId, 'session.disowned', actor)
    const recorded = await recordAuditEvent(services.db, entry, { session_id: cutId(sessionId) })
    if (!recorded.ok) log('audit.not_recorded', { requestId, identityStoreId, action: entry.action })
  }
  return ok({ act, ended: ended.value.length })
}

function cutId(sessionId: string): string | null {
  return SESSION_ID_PATTERN.test(sessionId) ? sessionId : null
}

async function afterwards(
  done: Awaited<ReturnType<typeof act>>,
  caller: CarriedToken,
  context: RequestContext,
): Promise<Result<Response, SessionError>> {
  if (done.ok) return ok(seeOther(`/devices?done=${done.value.act}&ended=${done.value.ended}`))
  const { error } = done
  if (error.code !== 'session_not_found') return fail(error)
  const list = await listOwn(caller, {}, context)
  return list.ok ? ok(await devicesPage(list.value, { query: {}, error }, context)) : list
}

/** The page with the sign-in form above it. */
async function askAgain(
  caller: CarriedToken,
  form: Form,
  error: SessionError | null,
  context: RequestContext,
): HandlerResult {
  const list = await listOwn(caller, {}, context)
  if (!list.ok) return list
  return ok(await devicesPage(list.value, { query: {}, confirmation: { form, error } }, context))
}

/** The sign-in form in place of the page: no redirect, and so no loop of them. */
function notSignedIn(error: SessionError, request: Request, context: RequestContext): Result<Response, SessionError> {
  const { code } = error
  if (code !== 'session_ended' && code !== 'unauthenticated' && code !== 'wrong_token_kind') return fail(error)
  return ok(signInPage({ ...viewFor(request, context, '/devices'), error }, context, 401))
}

function listOwn(
  caller: CarriedToken,
  { before = null }: { readonly before?: string | null | undefined },
  { services, client, now }: RequestContext,
): Promise<Result<OwnSessions, SessionError>> {
  // This one may be among them, and one more tells whether there are more.
  return services.sessions.listOwn(caller, client, { before, limit: DEVICES_PAGE_SESSIONS + 2 }, now)
}

interface Shown {
  readonly query: Query
  readonly error?: SessionError
  readonly confirmation?: Omit<Confirmation, 'byPassword'>
}

async function devicesPage(
  { current, sessions }: OwnSessions,
  shown: Shown,
  context: RequestContext,
): Promise<Response> {
  const { services, now } = context
  const { query, error = null, confirmation } = shown
  const sessionId = current.session.id
  const others = sessions.filter(({ session }) => session.id !== sessionId).reverse()
  const [history, found] = await Promise.all([
    readUserHistory(services.db, current, {
      sessionId,
      since: now - ENDED_SHOWN_MILLISECONDS,
      before: query.ended_before ?? null,
      limit: DEVICES_PAGE_ENDED,
    }),
    findUser(services.db, current),
  ])
  const known = found.ok ? found.value : null
  const view: DevicesView = {
    now,
    current,
    others: others.slice(0, DEVICES_PAGE_SESSIONS),
    moreOthers: others.length > DEVICES_PAGE_SESSIONS,
    history: history.ok ? history.value : null,
    user: known === null ? null : { username: known.user.username, name: nameOf(known) },
    query,
    error,
    confirmation: confirmation === undefined ? null : forUser(confirmation, known),
  }
  const failure = error ?? confirmation?.error ?? null
  const status = failure !== null ? statusOf(failure) : { status: confirmation === undefined ? 200 : 403 }
  const parts = { header: devicesHeader(view), main: devicesMain(view) }
  return pageResponse({ title: 'Your devices', ...parts, ...status }, context)
}

function nameOf({ user }: KnownUser): string | null {
  return [user.firstName, user.lastName].filter(Boolean).join(' ') || null
}

function forUser({ form, error }: Omit<Confirmation, 'byPassword'>, known: KnownUser | null): Confirmation {
  if (known === null) return { form, error, byPassword: null }
  const { user, loginMode } = known
  const by = LOGIN_MODE_RULES[loginMode].passwordCheckedBy
  const byPassword =
    user.username !== null && (by === 'application_server' || (by === 'latchkey' && user.passwordHash !== null))
  return { form: { ...form, username: user.username ?? undefined }, error, byPassword }
}

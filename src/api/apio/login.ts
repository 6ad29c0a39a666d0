/** Signing in and out, and login tokens. */
import type { z } from 'zod'
import { passGate } from '../../auth/gates.ts'
import { signInCookies } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { CredentialsType } from '../../domain/session.ts'
import { generateLoginToken, redeemLoginToken } from '../../identity/login-tokens.ts'
import type { VouchedUser } from '../../identity/openid.ts'
import { noteFirstLogin } from '../../store/first-logins.ts'
import type { KnownUser } from '../../store/users.ts'
import { carriedSessions, cookieSeconds, signOutCarried } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'
import { rememberDevice, signInByPassword } from '../password-sign-in.ts'
import type { HandlerResult } from '../route.ts'
import { loginBody, parseObject } from './body.ts'
import { type ApioContext, admitChange, requireOrigin, sessionJson, slidingCookieIfLive } from './caller.ts'
import { GenerateInput, LoginInput, NothingBody, OpenIdLoginInput, TokenLoginInput } from './schemas.ts'

/** `POST /login/` */
export async function login(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  return signInBy('password', request, context, LoginInput, (input) => signInByPassword(request, context, input))
}

/** `POST /auth_token/login/` */
export async function loginByToken(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  return signInBy('login_token', request, context, TokenLoginInput, async ({ loginToken }) => {
    const passed = await passGate(context.services.signInGate, 'sign-in', context.client)
    return passed.ok ? redeemLoginToken(context.services.db, loginToken, context.now) : passed
  })
}

/** `POST /openid/login/` */
export async function loginByOpenId(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  return signInBy('openid', request, context, OpenIdLoginInput, async (input) => {
    const passed = await passGate(context.services.signInGate, 'sign-in', context.client)
    if (!passed.ok) return passed
    const { authorization_code: code, nonce, redirect_uri: redirectUri } = input
    return context.services.openId.signIn({ code, nonce, redirectUri }, context.now)
  })
}

/** `POST /logout/`: ends the session. Succeeds too where a genuine session has already ended. */
export async function logout(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const origin = requireOrigin(request, context)
  if (!origin.ok) return origin
  const input = await parseObject(request, NothingBody, 'may_be_empty')
  if (!input.ok) return input
  const done = await signOutCarried(request, context)
  if (!done.ok) return done
  if (done.value.carried === 0) return fail({ code: 'unauthenticated' })
  return ok(sessionJson({}, done.value.forget))
}

/** `POST /auth_token/generate/` */
export async function generateToken(request: Request, _parameters: object, context: ApioContext): HandlerResult {
  const input = await parseObject(request, GenerateInput)
  if (!input.ok) return input
  const admitted = await admitChange(context)
  if (!admitted.ok) return admitted
  const { services, caller, requestId, now } = context
  const token = await generateLoginToken(services.db, caller, input.value.username, requestId, now)
  if (!token.ok) return token
  return ok(sessionJson({ loginToken: token.value }, await slidingCookieIfLive(request, context), 201))
}

/** What all ways of signing in have in common: the live sessions that a client comes with are ended (`replaced`). */
async function signInBy<T>(
  credentialsType: CredentialsType,
  request: Request,
  context: RequestContext,
  schema: z.ZodType<T>,
  verify: (input: T) => Promise<Result<KnownUser & Partial<VouchedUser>, SessionError>>,
): HandlerResult {
  const { services, client, location, now, requestId } = context
  const origin = requireOrigin(request, context)
  if (!origin.ok) return origin
  const input = await parseObject(request, schema)
  if (!input.ok) return input
  const verified = await verify(input.value)
  if (!verified.ok) return verified
  const { user, rules, openid = null } = verified.value

  const opening = {
    kind: 'web',
    persistent: true,
    credentialsType,
    client,
    location,
    actor: null,
    apiClientId: null,
    cookie: true,
    openid,
    by: { caller: `user:${user.userId}`, requestId },
  } as const
  const found = await carriedSessions(request, context)
  const carried = found.ok ? found.value : []
  const opened = await services.sessions.open(user, opening, rules, carried)
  if (!opened.ok) return opened
  // The session is open: what cannot be noted now does not undo it.
  const first = user.firstLoginAt === null ? await noteFirstLogin(services.db, user, now) : ok(false)
  const { token, ...view } = opened.value
  const cookie = { token, maxAgeSeconds: cookieSeconds(view, now), preferHost: false }
  const cookies = signInCookies(request, services.settings, cookie, carried)
  const response = sessionJson(loginBody(user, first.ok ? first.value : true), cookies)
  if (credentialsType === 'password') rememberDevice(response, request, context, user)
  return ok(response)
}

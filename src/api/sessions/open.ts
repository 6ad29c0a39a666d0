/** `POST /sessions`: a user signs in, or a trusted back end opens a session for a user it has verified. */
import type { z } from 'zod'
import { authenticateBearer, authenticateBearerFor, requireScope } from '../../auth/credentials.ts'
import { originAllowed } from '../../auth/origins.ts'
import { type CarriedToken, saysBearer } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { Location } from '../../domain/session.ts'
import { carriedSessions } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'
import { idempotently } from '../idempotency.ts'
import { parseJson } from '../parse.ts'
import { handOver, openAfterPassword, signInByPassword } from '../password-sign-in.ts'
import type { HandlerResult } from '../route.ts'
import { sessionBody } from '../session-body.ts'
import { credentialError } from '../wrong-token.ts'
import { privateJson } from './body.ts'
import { OpenForUser, SignIn } from './schemas.ts'

/**
 * Opens a session: with a credential in `Authorization` for a user whom the caller has verified, else by user
 * name and password. A client that still sends its old session there signs in anew.
 */
export async function openSession(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const found = await carriedSessions(request, context)
  const carried = found.ok ? found.value : []
  const bySession = carried.some(({ cookieName }) => cookieName === null)
  if (!saysBearer(request) || bySession) return signInUser(request, context, carried)
  // A sign-in is no such request: what it is answered is for the browser that sent it.
  return idempotently(
    request,
    context,
    () => backEndThatOpens(request, context),
    (once) => openForUser(once, context),
  )
}

/** The back end that opens a session. Errors: those of credentials; `forbidden`. */
async function backEndThatOpens(request: Request, context: RequestContext): Promise<Result<string, SessionError>> {
  const found = await authenticateBearer(context.services.db, request, context)
  if (!found.ok) return fail(await credentialError(found.error, request, context))
  const allowed = requireScope(found.value, 'sessions:open')
  return allowed.ok ? ok(`credential:${allowed.value.credentialId}`) : allowed
}

/** `carried`: the sessions that the client came with, which the new one takes the place of. */
async function signInUser(request: Request, context: RequestContext, carried: readonly CarriedToken[]): HandlerResult {
  const { settings } = context.services
  const input = await parseJson(request, SignIn)
  if (!input.ok) return input
  const { persistent, transport, end_sessions: endSessions } = input.value
  if (transport === 'cookie' && !originAllowed(request, settings)) return fail({ code: 'origin_not_allowed' })
  const user = await signInByPassword(request, context, input.value)
  if (!user.ok) return user

  const cookie = transport === 'cookie'
  const opened = await openAfterPassword(context, user.value, { persistent, cookie, endSessions }, carried)
  if (!opened.ok) return opened
  const { token, ...view } = opened.value
  const body = sessionBody(view, view.session.id)
  if (!cookie) return ok(privateJson({ ...body, token }, context, { status: 201 }))
  const response = privateJson(body, context, { status: 201 })
  return ok(handOver(response, request, context, { opened: opened.value, user: user.value.user, carried }))
}

async function openForUser(request: Request, context: RequestContext): HandlerResult {
  const { services } = context
  const input = await parseJson(request, OpenForUser)
  if (!input.ok) {
    // A caller who may not call at all is told that first.
    const caller = await backEndThatOpens(request, context)
    return caller.ok ? input : caller
  }
  const { user_id: userId, client, location, region, persistent, end_sessions: endSessions } = input.value
  const found = await authenticateBearerFor(services.db, request, userId, context)
  if (!found.ok) return fail(await credentialError(found.error, request, context))
  const caller = requireScope(found.value.caller, 'sessions:open')
  if (!caller.ok) return caller
  if (found.value.user === null) return fail({ code: 'user_not_found' })
  const opened = await services.sessions.openForVerifiedUser(
    { identityStoreId: caller.value.identityStoreId, userId },
    {
      client: { address: client.address, userAgent: client.user_agent },
      location: locationFrom(location),
      region,
      persistent,
      endSessions,
      by: { caller: `credential:${caller.value.credentialId}`, requestId: context.requestId },
    },
    found.value.user,
  )
  if (!opened.ok) return opened
  const { token, ...view } = opened.value
  return ok(privateJson({ ...sessionBody(view, view.session.id), token }, context, { status: 201 }))
}

function locationFrom(place: z.infer<typeof OpenForUser>['location']): Location | null {
  if (place === null) return null
  return {
    city: place.city ?? null,
    region: place.region ?? null,
    country: place.country ?? null,
    timeZone: place.time_zone ?? null,
    latitude: place.latitude ?? null,
    longitude: place.longitude ?? null,
  }
}

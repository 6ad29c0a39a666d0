/** `GET /sessions/current/events`: tells when the session ends. */
import { originAllowed } from '../../auth/origins.ts'
import { saysBearer } from '../../auth/session-carriers.ts'
import { fail, ok } from '../../domain/result.ts'
import { eventStream } from '../../http/event-stream.ts'
import { STREAM_BEAT_MILLISECONDS } from '../../limits.ts'
import type { RequestContext } from '../context.ts'
import type { HandlerResult } from '../route.ts'
import { asHolder } from '../session-holder.ts'

/** Not the user's activity. As a WebSocket it costs nothing while nothing is told; else it is an event stream. */
export async function sessionEvents(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, now } = context
  // Checked although nothing is changed: a foreign page could listen by a WebSocket, for which browsers ask no
  // permission (CORS).
  if (!saysBearer(request) && !originAllowed(request, services.settings)) return fail({ code: 'origin_not_allowed' })
  const listening = await asHolder(request, context, (caller) => services.sessions.listen(caller, now))
  if (!listening.ok) return listening
  const webSocket = listening.value.value
  if (request.method === 'GET' && request.headers.get('upgrade')?.toLowerCase() === 'websocket') {
    return ok(new Response(null, { status: 101, webSocket }))
  }
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform' }
  return ok(new Response(eventStream(webSocket, STREAM_BEAT_MILLISECONDS), { headers }))
}

/** Sessions as the own API shows them. */
import type { z } from 'zod'
import { respond } from '../../http/common-headers.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import type { SessionView } from '../../sessions/user-sessions.ts'
import type { RequestContext } from '../context.ts'
import type { SessionBody } from './schemas.ts'

/** One session. `currentId` is the session that the request was made with, if any. */
export function sessionBody(view: SessionView, currentId: string | null): z.infer<typeof SessionBody> {
  const { session } = view
  const client = session.recentClient ?? session.client
  const { browser, operatingSystem } = parseUserAgent(client.userAgent)
  return {
    id: session.id,
    identity_store_id: view.identityStoreId,
    user_id: view.userId,
    current: session.id === currentId,
    opened_at: instant(session.openedAt),
    last_seen_at: instant(session.lastSeenAt),
    expires_at: instant(view.expiresAt),
    idles_out_at: view.idlesOutAt === null ? null : instant(view.idlesOutAt),
    persistent: view.persistentCookie,
    credentials_type: session.credentialsType,
    address: client.address,
    browser,
    operating_system: operatingSystem,
    location:
      session.location === null
        ? null
        : {
            city: session.location.city,
            region: session.location.region,
            country: session.location.country,
            time_zone: session.location.timeZone,
            latitude: session.location.latitude,
            longitude: session.location.longitude,
          },
  }
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** An answer that carries a session: no cache may keep it. */
export function privateJson(
  body: unknown,
  context: RequestContext,
  { status = 200, headers }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  return respond(JSON.stringify(body), status, context.headers, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...headers,
  })
}

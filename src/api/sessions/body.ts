/** Sessions as the own API shows them. */
import type { z } from 'zod'
import { respond } from '../../http/common-headers.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import type { CheckedSession, SessionView } from '../../sessions/object/user-sessions.ts'
import type { RequestContext } from '../context.ts'
import { timestamp } from '../responses.ts'
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
    opened_at: timestamp(session.openedAt),
    last_seen_at: timestamp(session.lastSeenAt),
    expires_at: timestamp(view.expiresAt),
    idles_out_at: view.idlesOutAt === null ? null : timestamp(view.idlesOutAt),
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

const texts = new WeakMap<CheckedSession, string>()

/** The answer to a check as text, for one that will be given again from memory. */
export function rememberedText(checked: CheckedSession): string {
  let text = texts.get(checked)
  if (text === undefined) {
    text = JSON.stringify(sessionBody(checked, checked.session.id))
    texts.set(checked, text)
  }
  return text
}

interface ResponseParts {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** JSON that no cache may keep, built with the headers that every response has. */
export function privateJson(body: unknown, context: RequestContext, init?: ResponseParts): Response {
  return privateText(JSON.stringify(body), context, init)
}

/** The same of JSON text. */
export function privateText(
  text: string,
  context: RequestContext,
  { status = 200, headers }: ResponseParts = {},
): Response {
  return respond(text, status, context.headers, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...headers,
  })
}

/** A session as our own APIs show it. JSON, snake_case; instants are RFC 3339. */
import { z } from 'zod'
import { CREDENTIALS_TYPES, lastClient } from '../domain/session.ts'
import type { SessionView } from '../domain/session-view.ts'
import { parseUserAgent } from '../http/user-agents.ts'
import { timestamp } from './responses.ts'

const placeText = z.string().max(100).nullable()
/** Where a client is. */
export const Place = z
  .object({
    city: placeText,
    region: placeText,
    country: placeText,
    time_zone: placeText,
    latitude: placeText,
    longitude: placeText,
  })
  .meta({ id: 'Place' })
const instant = z.iso.datetime()

/** A session as its user sees it. */
export const SessionBody = z
  .object({
    id: z.uuid(),
    identity_store_id: z.string(),
    user_id: z.string(),
    current: z.boolean(),
    opened_at: instant,
    last_seen_at: instant,
    expires_at: instant,
    idles_out_at: instant.nullable().describe('Null: the session does not idle out.'),
    persistent: z.boolean(),
    credentials_type: z.enum(CREDENTIALS_TYPES).meta({ id: 'CredentialsType' }),
    address: z.string().nullable(),
    browser: z.string().nullable(),
    operating_system: z.string().nullable(),
    location: Place.nullable().describe('Null unless the store tracks it.'),
  })
  .meta({ id: 'Session' })

/** One session. `currentId` is the session that the request was made with, if any. */
export function sessionBody(view: SessionView, currentId: string | null): z.infer<typeof SessionBody> {
  const { session } = view
  const client = lastClient(session)
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

/** What a bound Worker passes. Names are JavaScript's: this is a call, not JSON. */

import { z } from 'zod'
import { STORE_SCOPES } from '../../auth/scopes.ts'
import { ID_PATTERN } from '../../domain/ids.ts'
import { trimUserAgent } from '../../domain/session.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { MAX_CHECK_AGE_SECONDS, MAX_PAGE_ENTRIES } from '../../limits.ts'
import { REGIONS } from '../../sessions/object/user-stub.ts'

const id = z.string().regex(ID_PATTERN, 'Must be an id: letters, digits, dot, dash, underscore; at most 64.')
const token = z.string().min(1).max(4_096)
const placeText = z.string().max(100).nullable().default(null)
const place = z.strictObject({
  city: placeText,
  region: placeText,
  country: placeText,
  timeZone: placeText,
  latitude: placeText,
  longitude: placeText,
})

/** `props` of the service binding: the store, and what the bound Worker may do there. */
export const BindingProps = z.strictObject({ identityStoreId: id, scopes: z.array(z.enum(STORE_SCOPES)) })

const client = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6()], 'Must be an IPv4 or an IPv6 address.').nullable(),
  userAgent: z.string().nullable().transform(trimUserAgent),
})

export const CheckInput = z.strictObject({
  token,
  client: client.nullable().default(null),
  touch: z.boolean().default(true),
  maxAgeSeconds: z.int().min(0).max(MAX_CHECK_AGE_SECONDS).default(0),
})

export const OpenInput = z.strictObject({
  userId: id,
  client,
  location: place.nullable().default(null),
  region: z.enum(REGIONS).nullable().default(null),
  persistent: z.boolean().default(false),
  endSessions: z
    .array(z.string().regex(SESSION_ID_PATTERN, 'Must be the id of a session.'))
    .max(MAX_PAGE_ENTRIES)
    .default([]),
  idempotencyKey: z
    .string()
    .regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,255}$/, 'Must be 1 to 255 characters of ASCII, no quote and no backslash.')
    .nullable()
    .default(null),
})

/** What is to be opened, whatever its key. */
export type Opening = Omit<z.infer<typeof OpenInput>, 'idempotencyKey'>

export const ListOwnInput = z.strictObject({ token, client: client.nullable().default(null) })

export const EndOwnInput = z.strictObject({
  token,
  sessions: z.string().max(64).describe('`others`, or the id of one of them.'),
})

export const TokenInput = z.strictObject({ token })

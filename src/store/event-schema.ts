/** The D1 schema of events, as schema.ts has the rest of it. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { DISABLED_REASONS, ENDPOINT_KINDS, type EventType } from '../domain/events.ts'
import { STREAM_STATUSES } from '../domain/security-events.ts'

/**
 * Stores whose events are written down, and the number of the last one. A store without a row, or one that is not
 * `recording`, has none: the triggers of migration 0009 look here first.
 */
export const eventStores = sqliteTable('event_stores', {
  identityStoreId: text('identity_store_id').primaryKey(),
  /** In the ids of its events, so that these differ from store to store. */
  tag: text('tag').notNull(),
  /** Asked for by itself, with or without endpoints. */
  feed: integer('feed', { mode: 'boolean' }).notNull(),
  /** Whether there is a feed or an endpoint. */
  recording: integer('recording', { mode: 'boolean' }).notNull(),
  /** The ids of the endpoints that are sent to. */
  endpoints: text('endpoints', { mode: 'json' }).notNull().$type<readonly string[]>(),
  lastNumber: integer('last_number').notNull(),
})

/**
 * The outbox: what happened in a store, in the order in which it was committed. Written by the triggers of migration
 * 0009 alone, in the transaction of what it tells of. Holds nothing that names a person, a device or a place.
 */
export const events = sqliteTable(
  'events',
  {
    identityStoreId: text('identity_store_id').notNull(),
    /** From 1, without gaps. */
    number: integer('number').notNull(),
    type: text('type').notNull().$type<EventType>(),
    at: integer('at').notNull(),
    data: text('data', { mode: 'json' }).notNull().$type<Readonly<Record<string, unknown>>>(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.number] })],
)

/** Where events are sent to. */
export const eventEndpoints = sqliteTable(
  'event_endpoints',
  {
    identityStoreId: text('identity_store_id').notNull(),
    endpointId: text('endpoint_id').notNull(),
    kind: text('kind', { enum: ENDPOINT_KINDS }).notNull(),
    url: text('url').notNull(),
    /** JSON array of types, or of beginnings that end with `*`. */
    types: text('types', { mode: 'json' }).notNull().$type<readonly string[]>(),
    description: text('description').notNull(),
    sealedSecret: text('sealed_secret').notNull(),
    /** The previous secret, and until when it signs too. */
    previousSealedSecret: text('previous_sealed_secret'),
    previousValidUntil: integer('previous_valid_until'),
    /** Of `v1a`, Ed25519: the private key, sealed, and the public one, base64. Null: not asked for. */
    sealedSigningKey: text('sealed_signing_key'),
    publicKey: text('public_key'),
    /** The number of the store's last event when the endpoint was made: it is sent what came after. */
    fromNumber: integer('from_number').notNull(),
    disabledAt: integer('disabled_at'),
    disabledReason: text('disabled_reason', { enum: DISABLED_REASONS }),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    /** Of a stream, as are the next three: the credential of its receiver, which is its audience too. Else null. */
    receiver: text('receiver'),
    /** URIs. */
    eventsRequested: text('events_requested', { mode: 'json' }).$type<readonly string[]>(),
    /** While it is disabled: whether what happens is kept for it (`paused`) or not. */
    streamStatus: text('stream_status', { enum: STREAM_STATUSES }),
    statusReason: text('status_reason'),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.endpointId] })],
)

/** The keys that sign the tokens of streams: the newest, one that will sign next, and earlier ones for a while. */
export const ssfKeys = sqliteTable(
  'ssf_keys',
  {
    identityStoreId: text('identity_store_id').notNull(),
    /** RFC 7638 thumbprint. */
    keyId: text('key_id').notNull(),
    /** RSA, PKCS #8 in base64, sealed for the store and the key. */
    sealedPrivateKey: text('sealed_private_key').notNull(),
    /** Modulus, base64url. The exponent is 65537. */
    modulus: text('modulus').notNull(),
    /** When it was published … */
    createdAt: integer('created_at').notNull(),
    /** … and from when on it signs. */
    signsFrom: integer('signs_from').notNull(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.keyId] })],
)

/** The D1 schema of the audit log, as schema.ts has the rest of it. */
import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Who did what to whom. Append only: triggers refuse every other change but sealing, erasure and retention. */
export const auditEvents = sqliteTable(
  'audit_events',
  {
    identityStoreId: text('identity_store_id').notNull(),
    /** UUID version 7. */
    eventId: text('event_id').notNull(),
    at: integer('at').notNull(),
    /** The credential or user that acted. */
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    /** JSON, before and after; null where there is none, or where it was erased. Never a secret. */
    before: text('before'),
    after: text('after'),
    requestId: text('request_id').notNull(),
    /** Its place in the chain of its store. This and the rest is written when it is sealed. */
    number: integer('number'),
    /** Of the body's hash; hexadecimal, as are the hashes. Null again once the body was erased. */
    salt: text('salt'),
    bodyHash: text('body_hash'),
    /** The hash of the event before it. */
    previousHash: text('previous_hash'),
    hash: text('hash'),
    /** Of what is done to a user's credential: the user, as a subject. */
    about: text('about'),
  },
  (table) => [
    primaryKey({ columns: [table.identityStoreId, table.eventId] }),
    /** These two indexes serve the erasure of a deleted user. */
    index('audit_events_by_subject').on(table.identityStoreId, table.subject),
    index('audit_events_about').on(table.identityStoreId, table.about).where(sql`about IS NOT NULL`),
  ],
)

/** Where each event stands among those of its store: in the order in which they were committed. Written by a trigger. */
export const auditPlaces = sqliteTable(
  'audit_places',
  {
    identityStoreId: text('identity_store_id').notNull(),
    /** From 1, without gaps. */
    number: integer('number').notNull(),
    eventId: text('event_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.number] })],
)

/** The chain of each store: how far it is sealed, and where it begins since old events were removed. */
export const auditChains = sqliteTable('audit_chains', {
  identityStoreId: text('identity_store_id').primaryKey(),
  sealedNumber: integer('sealed_number').notNull(),
  sealedHash: text('sealed_hash').notNull(),
  sealedAt: integer('sealed_at'),
  /** How many events were erased before they were sealed: who read them before does not seal them. */
  erasures: integer('erasures').notNull(),
  /** The last event that was removed, its hash, and both signed; 0 and null: none was. */
  cutNumber: integer('cut_number').notNull(),
  cutHash: text('cut_hash').notNull(),
  cut: text('cut'),
  /** The last head that was told in the events; 0 and null: none was. */
  publishedNumber: integer('published_number').notNull(),
  publishedAt: integer('published_at'),
})

/** The keys that sign heads and cuts, of all stores. The newest signs; the others stay, for what they have signed. */
export const auditKeys = sqliteTable('audit_keys', {
  /** RFC 7638 thumbprint. */
  keyId: text('key_id').primaryKey(),
  /** Ed25519, base64url. */
  publicKey: text('public_key').notNull(),
  /** PKCS #8 in base64, sealed. */
  sealedPrivateKey: text('sealed_private_key').notNull(),
  createdAt: integer('created_at').notNull(),
})

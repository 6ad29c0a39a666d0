/** The D1 schema of OpenID providers, as schema.ts has the rest of it. */
import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** OpenID providers: at most one per store, found by the redirect URI that its codes were asked for with. */
export const openidProviders = sqliteTable(
  'openid_providers',
  {
    identityStoreId: text('identity_store_id').primaryKey(),
    issuer: text('issuer').notNull(),
    clientId: text('client_id').notNull(),
    sealedClientSecret: text('sealed_client_secret').notNull(),
    redirectUri: text('redirect_uri').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [uniqueIndex('openid_provider_by_redirect_uri').on(table.redirectUri)],
)

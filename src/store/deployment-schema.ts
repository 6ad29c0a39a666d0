/** The D1 schema of the deployment's own affairs, as schema.ts has the rest of it. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/**
 * Work that keeps failing, as those who try it report. A row whose next try is long overdue was given up: it is not
 * counted, and is removed.
 */
export const failingWork = sqliteTable(
  'failing_work',
  {
    identityStoreId: text('identity_store_id').notNull(),
    /** That of a job, `event_endpoint`, or `mirror`. */
    kind: text('kind').notNull(),
    /** Of the job or the endpoint; empty for the mirror, of which a store has one row. */
    id: text('id').notNull(),
    /** When it began to fail; for the mirror, when what was copied late had changed. */
    since: integer('since').notNull(),
    /** When it failed last. */
    seenAt: integer('seen_at').notNull(),
    /** When it is tried again. */
    nextAt: integer('next_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.kind, table.id] })],
)

/** What must stay as it is for as long as there is this database, by name. */
export const deploymentFacts = sqliteTable('deployment_facts', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
})

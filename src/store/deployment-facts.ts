/** What must stay as it is for as long as there is this database. */
import { eq } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { deploymentFacts } from './deployment-schema.ts'

const JURISDICTION = 'jurisdiction'

/** The jurisdiction of this database's objects. The first caller sets it: `ours`. Empty: in none. */
export async function jurisdictionOfObjects(db: Database, ours: string): Promise<Result<string, Unavailable>> {
  const read = () =>
    db.select({ value: deploymentFacts.value }).from(deploymentFacts).where(eq(deploymentFacts.name, JURISDICTION))
  const found = await attempt(read)
  if (!found.ok) return found
  if (found.value[0] !== undefined) return ok(found.value[0].value)
  const written = await attempt(() =>
    db.batch([db.insert(deploymentFacts).values({ name: JURISDICTION, value: ours }).onConflictDoNothing(), read()]),
  )
  return written.ok ? ok(written.value[1][0]?.value ?? ours) : written
}

/**
 * Refuses to serve where the setting `JURISDICTION` is not that of the existing objects: under another one, all objects
 * would be new and empty.
 */
import { ok, type Result } from './domain/result.ts'
import type { Jurisdiction } from './jurisdiction.ts'
import { HEALTH_MILLISECONDS } from './limits.ts'
import type { Database } from './store/database.ts'
import { jurisdictionOfObjects } from './store/deployment-facts.ts'
import { misfits } from './store/migrations.ts'
import type { Unavailable } from './time-limit.ts'

export class JurisdictionGuard {
  private readonly db: Database
  private readonly ours: string
  /** Where the objects are; null: not known yet. */
  private found: string | null = null
  private askedAt = Number.NEGATIVE_INFINITY

  constructor(db: Database, ours: Jurisdiction | null) {
    this.db = db
    this.ours = ours ?? ''
  }

  /**
   * Where the objects are, if that is not where the setting says; null: they are there, as far as is known. Asks
   * nobody.
   */
  get elsewhere(): string | null {
    return this.found === null || this.found === this.ours ? null : this.found
  }

  /** The same, once D1 was asked. Without D1 nothing that makes an object is served either. */
  async look(now: number): Promise<string | null> {
    if (this.found === null && (now < this.askedAt || now - this.askedAt >= HEALTH_MILLISECONDS)) {
      this.askedAt = now
      const found = await whereObjectsAre(this.db, this.ours)
      if (found.ok) this.found = found.value
    }
    return this.elsewhere
  }
}

/** The jurisdiction of the objects; empty: none; null: the table is not there yet, and whatever needs a migration says so. */
export async function whereObjectsAre(db: Database, ours: string): Promise<Result<string | null, Unavailable>> {
  try {
    return await jurisdictionOfObjects(db, ours)
  } catch (error) {
    if (misfits(error)) return ok(null)
    throw error
  }
}

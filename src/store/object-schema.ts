/** The schema of an object's own SQLite, in ordered steps. Landed steps never change; a change is a new step. */

/**
 * Brings an object's schema up to date. Idempotent. One that a later version has brought further is left as it is.
 * @param whole all steps at once, for an object that has taken none
 */
export function migrate(sql: SqlStorage, steps: readonly string[], whole?: string): void {
  sql.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)')
  const current = sql.exec<{ version: number }>('SELECT version FROM schema_version').toArray()[0]?.version ?? 0
  for (const step of current === 0 && whole !== undefined ? [whole] : steps.slice(current)) sql.exec(step)
  if (current === 0) sql.exec('INSERT INTO schema_version (version) VALUES (?)', steps.length)
  else if (current < steps.length) sql.exec('UPDATE schema_version SET version = ?', steps.length)
}

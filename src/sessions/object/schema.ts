/** The tables of a user's object. */

/** The schema in ordered steps. Landed steps never change; a change is a new step. */
export const STEPS: readonly string[] = [
  `CREATE TABLE owner (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     identity_store_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     knowledge TEXT NOT NULL
   );
   CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     version INTEGER NOT NULL,
     mirrored_version INTEGER NOT NULL,
     kind TEXT NOT NULL,
     secret_hash TEXT NOT NULL,
     opened_at INTEGER NOT NULL,
     last_seen_at INTEGER NOT NULL,
     persistent INTEGER NOT NULL,
     credentials_type TEXT NOT NULL,
     address TEXT,
     user_agent TEXT,
     recent_client TEXT,
     location TEXT,
     actor TEXT,
     api_client_id TEXT,
     cookie_issued_at INTEGER,
     ended_at INTEGER,
     end_reason TEXT,
     ended_by TEXT,
     end_request_id TEXT
   ) WITHOUT ROWID;`,
  `ALTER TABLE sessions ADD COLUMN workspace TEXT;
   ALTER TABLE sessions ADD COLUMN cookie_persistent INTEGER;`,
  `ALTER TABLE sessions ADD COLUMN epoch INTEGER;
   ALTER TABLE sessions ADD COLUMN seen_by INTEGER;
   ALTER TABLE sessions ADD COLUMN client_written_at INTEGER;
   ALTER TABLE sessions ADD COLUMN cookie_expires_at INTEGER;`,
  `ALTER TABLE sessions ADD COLUMN opened_by TEXT;
   ALTER TABLE sessions ADD COLUMN replaces_session_id TEXT;
   ALTER TABLE sessions ADD COLUMN new_device INTEGER;
   ALTER TABLE sessions ADD COLUMN client_changes TEXT;
   ALTER TABLE sessions ADD COLUMN end_decision TEXT;
   ALTER TABLE owner ADD COLUMN devices TEXT;`,
  'ALTER TABLE sessions ADD COLUMN openid TEXT;',
]

/** The same schema at once, for an object that has none: fewer rows are written. */
export const SCHEMA = `CREATE TABLE owner (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     identity_store_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     knowledge TEXT NOT NULL,
     devices TEXT
   );
   CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     version INTEGER NOT NULL,
     mirrored_version INTEGER NOT NULL,
     kind TEXT NOT NULL,
     secret_hash TEXT NOT NULL,
     opened_at INTEGER NOT NULL,
     last_seen_at INTEGER NOT NULL,
     persistent INTEGER NOT NULL,
     credentials_type TEXT NOT NULL,
     address TEXT,
     user_agent TEXT,
     recent_client TEXT,
     location TEXT,
     actor TEXT,
     api_client_id TEXT,
     cookie_issued_at INTEGER,
     ended_at INTEGER,
     end_reason TEXT,
     ended_by TEXT,
     end_request_id TEXT,
     workspace TEXT,
     cookie_persistent INTEGER,
     epoch INTEGER,
     seen_by INTEGER,
     client_written_at INTEGER,
     cookie_expires_at INTEGER,
     opened_by TEXT,
     replaces_session_id TEXT,
     new_device INTEGER,
     client_changes TEXT,
     end_decision TEXT,
     openid TEXT
   ) WITHOUT ROWID;`

/** Whether an object has tables. To ask writes nothing. */
export function hasTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0
}

/** What a user's object remembers, in its own SQLite. Synchronous: no await between reading and writing. */
import { type Knowledge, NO_KNOWLEDGE } from '../domain/policy.ts'
import type {
  Actor,
  Client,
  CredentialsType,
  Ending,
  EndReason,
  Location,
  Session,
  SessionKind,
} from '../domain/session.ts'
import { migrate } from '../store/object-schema.ts'
import type { UserKey } from '../store/rules.ts'

/** Ended sessions that are always remembered, so that a genuine token can be told why. */
export const REMEMBERED_ENDED = 20
/** All that ended this recently are remembered too, in milliseconds (24 h) … */
export const REMEMBERED_MILLISECONDS = 86_400_000
/** … but never more than this. */
export const MAX_REMEMBERED_ENDED = 1_000

/** The object's schema. */
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
]

/** Who asked for sessions to end, for the record. Null where nobody did (a deadline passed). */
export interface EndedBy {
  readonly caller: string | null
  readonly requestId: string | null
}

/** A session as the object keeps it. */
export interface StoredSession {
  readonly session: Session
  readonly version: number
  readonly secretHash: string
  /** The last activity as the table has it; `session.lastSeenAt` is exact. */
  readonly writtenLastSeenAt: number
  /** For kind `api`: the workspace that its client chose; null for none. */
  readonly workspace: string | null
  /** Whether its cookie, as last issued, outlives the browser; null for no cookie. */
  readonly cookiePersistent: boolean | null
  /** Null while it lives. */
  readonly ending: (Ending & { readonly by: EndedBy }) | null
}

interface Row extends Record<string, SqlStorageValue> {
  id: string
  version: number
  kind: SessionKind
  secret_hash: string
  opened_at: number
  last_seen_at: number
  persistent: number
  credentials_type: CredentialsType
  address: string | null
  user_agent: string | null
  recent_client: string | null
  location: string | null
  actor: string | null
  api_client_id: string | null
  cookie_issued_at: number | null
  ended_at: number | null
  end_reason: EndReason | null
  ended_by: string | null
  end_request_id: string | null
  workspace: string | null
  cookie_persistent: number | null
}

/**
 * The object's tables, and a copy of the live sessions in memory, where `lastSeenAt` is exact; the table
 * may be behind. Every write goes to the table first.
 */
export class UserSessionsStorage {
  private readonly sql: SqlStorage
  private copies: Map<string, StoredSession> | undefined
  /** Sessions whose state D1 may not have, the longest waiting first. */
  private behind: Set<string> | undefined
  private newest: string | null | undefined
  private known: { owner: UserKey; knowledge: Knowledge } | null | undefined
  /** Another instance begins somewhere else, so that nothing of this one's is taken for its own. */
  private changes = Math.floor(Math.random() * 2 ** 52)

  constructor(sql: SqlStorage) {
    this.sql = sql
    migrate(sql, STEPS)
  }

  /** Another number after each change, but for activity: while it is the same, so is all that is kept. */
  get revision(): number {
    return this.changes
  }

  /** Whose sessions these are; null before anything was told to this object. */
  get owner(): UserKey | null {
    return this.facts()?.owner ?? null
  }

  get knowledge(): Knowledge {
    return this.facts()?.knowledge ?? NO_KNOWLEDGE
  }

  private facts() {
    if (this.known === undefined) {
      const row = this.sql
        .exec<Record<string, string>>('SELECT identity_store_id, user_id, knowledge FROM owner')
        .toArray()[0]
      this.known =
        row === undefined
          ? null
          : {
              owner: { identityStoreId: row.identity_store_id as string, userId: row.user_id as string },
              knowledge: JSON.parse(row.knowledge as string),
            }
    }
    return this.known
  }

  /** Writes down the owner and the rules that are known. */
  remember(owner: UserKey, knowledge: Knowledge): void {
    this.sql.exec(
      `INSERT INTO owner (only, identity_store_id, user_id, knowledge) VALUES (1, ?1, ?2, ?3)
       ON CONFLICT (only) DO UPDATE SET knowledge = excluded.knowledge`,
      owner.identityStoreId,
      owner.userId,
      JSON.stringify(knowledge),
    )
    this.known = { owner: { identityStoreId: owner.identityStoreId, userId: owner.userId }, knowledge }
    this.changes += 1
  }

  /** The newest session id there is, for the next one to follow. */
  newestId(): string | null {
    if (this.newest === undefined) {
      const rows = this.sql.exec<{ id: string }>('SELECT id FROM sessions ORDER BY id DESC LIMIT 1').toArray()
      this.newest = rows[0]?.id ?? null
    }
    return this.newest
  }

  /** A session, live or remembered. */
  find(id: string): StoredSession | null {
    const live = this.living().get(id)
    if (live !== undefined) return live
    const row = this.sql.exec<Row>('SELECT * FROM sessions WHERE id = ?', id).toArray()[0]
    return row === undefined ? null : stored(row)
  }

  /** The live sessions, oldest first. */
  live(): Session[] {
    return Array.from(this.living().values(), ({ session }) => session)
  }

  private living(): Map<string, StoredSession> {
    if (this.copies === undefined) {
      const rows = this.sql.exec<Row>('SELECT * FROM sessions WHERE ended_at IS NULL ORDER BY id').toArray()
      this.copies = new Map(rows.map((row) => [row.id, stored(row)]))
    }
    return this.copies
  }

  /** Writes a new session, which lives. */
  insert(session: Session, secretHash: string, cookiePersistent: boolean | null): void {
    this.sql.exec(
      `INSERT INTO sessions (id, version, mirrored_version, kind, secret_hash, opened_at, last_seen_at, persistent,
         credentials_type, address, user_agent, location, actor, api_client_id, cookie_issued_at, cookie_persistent)
       VALUES (?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      session.id,
      session.kind,
      secretHash,
      session.openedAt,
      session.lastSeenAt,
      session.persistent ? 1 : 0,
      session.credentialsType,
      session.client.address,
      session.client.userAgent,
      toJson(session.location),
      toJson(session.actor),
      session.apiClientId,
      session.cookieIssuedAt,
      cookiePersistent === null ? null : Number(cookiePersistent),
    )
    this.newest = session.id
    this.notMirrored().add(session.id)
    const writtenLastSeenAt = session.lastSeenAt
    this.keep({ session, version: 1, secretHash, writtenLastSeenAt, workspace: null, cookiePersistent, ending: null })
  }

  /** Notes activity: always in memory, in the table only if that is `writeAfter` milliseconds behind. */
  touch(live: StoredSession, at: number, writeAfter: number): StoredSession {
    const write = at - live.writtenLastSeenAt >= writeAfter
    if (write) this.sql.exec('UPDATE sessions SET last_seen_at = ? WHERE id = ?', at, live.session.id)
    const writtenLastSeenAt = write ? at : live.writtenLastSeenAt
    const session = { ...live.session, lastSeenAt: at }
    const touched = { ...live, session, writtenLastSeenAt }
    this.living().set(session.id, touched)
    return touched
  }

  /** Notes that the session is now used by another client. */
  moved(live: StoredSession, client: Client): StoredSession {
    const { id, lastSeenAt } = live.session
    this.sql.exec(
      'UPDATE sessions SET recent_client = ?, last_seen_at = ?, version = version + 1 WHERE id = ?',
      toJson(client),
      lastSeenAt,
      id,
    )
    this.notMirrored().add(id)
    const session = { ...live.session, recentClient: client }
    return this.keep({ ...live, session, version: live.version + 1, writtenLastSeenAt: lastSeenAt })
  }

  /** Notes that the session's cookie was issued anew. */
  cookieIssued(live: StoredSession, at: number, persistent: boolean): StoredSession {
    const { id } = live.session
    this.sql.exec('UPDATE sessions SET cookie_issued_at = ?, cookie_persistent = ? WHERE id = ?', at, +persistent, id)
    return this.keep({ ...live, session: { ...live.session, cookieIssuedAt: at }, cookiePersistent: persistent })
  }

  /** Notes which workspace the session's client has chosen. */
  chooseWorkspace(live: StoredSession, workspace: string): StoredSession {
    this.sql.exec('UPDATE sessions SET workspace = ? WHERE id = ?', workspace, live.session.id)
    return this.keep({ ...live, workspace })
  }

  /** Forgets where every session came from, ended ones too. False if nothing was known. */
  clearLocations(): boolean {
    const living = this.living()
    const cleared = this.sql.exec<{ id: string }>(
      'UPDATE sessions SET location = NULL, version = version + 1 WHERE location IS NOT NULL RETURNING id',
    )
    const ids = cleared.toArray().map(({ id }) => id)
    for (const id of ids) this.notMirrored().add(id)
    for (const live of ids.flatMap((id) => living.get(id) ?? [])) {
      this.keep({ ...live, session: { ...live.session, location: null }, version: live.version + 1 })
    }
    return ids.length > 0
  }

  private keep(live: StoredSession): StoredSession {
    this.living().set(live.session.id, live)
    this.changes += 1
    return live
  }

  /** Ends a session. One that has ended stays as it ended. */
  end(id: string, ending: Ending, by: EndedBy): void {
    const seen = this.living().get(id)?.session.lastSeenAt ?? 0
    this.sql.exec(
      `UPDATE sessions SET ended_at = ?, end_reason = ?, ended_by = ?, end_request_id = ?,
         last_seen_at = max(last_seen_at, ?), version = version + 1 WHERE id = ? AND ended_at IS NULL`,
      ending.endedAt,
      ending.reason,
      by.caller,
      by.requestId,
      seen,
      id,
    )
    this.notMirrored().add(id)
    this.living().delete(id)
    this.changes += 1
  }

  private notMirrored(): Set<string> {
    if (this.behind === undefined) {
      const rows = this.sql.exec<{ id: string }>(
        'SELECT id FROM sessions WHERE version <> mirrored_version ORDER BY id',
      )
      this.behind = new Set(rows.toArray().map(({ id }) => id))
    }
    return this.behind
  }

  /** Whether D1 lacks anything. */
  isBehind(): boolean {
    return this.notMirrored().size > 0
  }

  /** Sessions whose state D1 does not have yet. */
  unmirrored(most: number): StoredSession[] {
    const ids = [...this.notMirrored()].slice(0, most)
    const ended = ids.filter((id) => !this.living().has(id))
    const rows =
      ended.length === 0
        ? []
        : this.sql.exec<Row>(
            'SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))',
            JSON.stringify(ended),
          )
    const sessions = new Map(Array.from(rows, (row) => [row.id, stored(row)]))
    return ids.flatMap((id) => this.living().get(id) ?? sessions.get(id) ?? [])
  }

  /** Notes that D1 has these states; a session that changed meanwhile stays to be mirrored. */
  markMirrored(sent: readonly StoredSession[]): void {
    for (const { session, version } of sent) {
      const [row] = this.sql
        .exec<{ version: number }>(
          'UPDATE sessions SET mirrored_version = ? WHERE id = ? RETURNING version',
          version,
          session.id,
        )
        .toArray()
      if (row?.version === version) this.notMirrored().delete(session.id)
    }
  }

  /** Forgets ended sessions that need not be remembered. D1 keeps them. */
  prune(now: number): void {
    this.sql.exec(
      `DELETE FROM sessions WHERE id IN (
         SELECT id FROM (
           SELECT id, ended_at, mirrored_version = version AS mirrored, row_number() OVER (ORDER BY ended_at DESC, id DESC) AS rank
           FROM sessions WHERE ended_at IS NOT NULL
         )
         WHERE mirrored AND (rank > ?1 OR (rank > ?2 AND ended_at < ?3))
       )`,
      MAX_REMEMBERED_ENDED,
      REMEMBERED_ENDED,
      now - REMEMBERED_MILLISECONDS,
    )
  }
}

function stored(row: Row): StoredSession {
  return {
    version: row.version,
    secretHash: row.secret_hash,
    writtenLastSeenAt: row.last_seen_at,
    workspace: row.workspace,
    cookiePersistent: row.cookie_persistent === null ? null : row.cookie_persistent === 1,
    ending:
      row.ended_at === null || row.end_reason === null
        ? null
        : {
            reason: row.end_reason,
            endedAt: row.ended_at,
            by: { caller: row.ended_by, requestId: row.end_request_id },
          },
    session: {
      id: row.id,
      kind: row.kind,
      openedAt: row.opened_at,
      lastSeenAt: row.last_seen_at,
      persistent: row.persistent === 1,
      credentialsType: row.credentials_type,
      client: { address: row.address, userAgent: row.user_agent },
      recentClient: row.recent_client === null ? null : JSON.parse(row.recent_client),
      location: row.location === null ? null : (JSON.parse(row.location) as Location),
      actor: row.actor === null ? null : (JSON.parse(row.actor) as Actor),
      apiClientId: row.api_client_id,
      cookieIssuedAt: row.cookie_issued_at,
    },
  }
}

function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

/** What a user's object remembers, in its own SQLite. Synchronous: no await between reading and writing. */

import type { UserKey } from '../../domain/ids.ts'
import { NO_RULES, type UserRules } from '../../domain/policy.ts'
import type { AskedBy, Client, Ending, Session } from '../../domain/session.ts'
import type { SessionOrigin } from '../../domain/session-story.ts'
import {
  BURST_GAP_MILLISECONDS,
  MAX_REMEMBERED_ENDED,
  REMEMBERED_CLIENT_CHANGES,
  REMEMBERED_ENDED,
  REMEMBERED_ENDED_MILLISECONDS,
} from '../../limits.ts'
import { migrate } from '../../store/object-schema.ts'
import type { KnownDevice } from './known-devices.ts'
import { type IssuedCookie, newlyStored, type Row, type StoredSession, stored, toJson } from './rows.ts'
import { hasTables, SCHEMA, STEPS } from './schema.ts'

/** Whose object this is, and what it knows of the rules. */
interface Facts {
  readonly owner: UserKey
  readonly rules: UserRules
  readonly devices: readonly KnownDevice[]
  /** False: in memory alone. */
  readonly written: boolean
}

/**
 * The object's tables, and a copy of the live sessions in memory, where `lastSeenAt` is exact; the table
 * may be behind. Every write goes to the table first. There are no tables before the first session.
 */
export class UserSessionsStorage {
  private readonly sql: SqlStorage
  private tables: boolean
  private copies: Map<string, StoredSession> | undefined
  /** Sessions whose state D1 may not have, the longest waiting first. */
  private unmirroredIds = new Set<string>()
  private newest: string | null | undefined
  private known: Facts | null | undefined
  /** Another instance begins somewhere else, so that nothing of this one's is taken for its own. */
  private changes = Math.floor(Math.random() * 2 ** 52)

  constructor(sql: SqlStorage) {
    this.sql = sql
    this.tables = hasTables(sql)
    if (this.tables) migrate(sql, STEPS)
  }

  /** Another number after each change, but for activity: while it is the same, so is all that is kept. */
  get revision(): number {
    return this.changes
  }

  /** Whether nothing is kept: no session was ever opened here, or the object was emptied. */
  get isEmpty(): boolean {
    return this.facts()?.written !== true
  }

  /** All that was kept is gone. */
  emptied(): void {
    this.tables = false
    this.copies = undefined
    this.newest = undefined
    this.known = null
    this.changes += 1
  }

  /** Whose sessions these are; null before anything was told to this object. */
  get owner(): UserKey | null {
    return this.facts()?.owner ?? null
  }

  get rules(): UserRules {
    return this.facts()?.rules ?? NO_RULES
  }

  /** The kinds of devices that the user has used, the last one first. */
  get devices(): readonly KnownDevice[] {
    return this.facts()?.devices ?? []
  }

  private facts(): Facts | null {
    if (this.known === undefined) {
      const [row] = this.query<Record<string, string>>('SELECT * FROM owner')
      this.known =
        row === undefined
          ? null
          : {
              owner: { identityStoreId: row.identity_store_id as string, userId: row.user_id as string },
              // What an earlier version wrote lacks the newer fields.
              rules: { ...NO_RULES, ...JSON.parse(row.knowledge as string) },
              devices: JSON.parse(row.devices ?? '[]'),
              written: true,
            }
    }
    return this.known
  }

  private query<R extends Record<string, SqlStorageValue>>(query: string, ...values: SqlStorageValue[]): R[] {
    return this.tables ? this.sql.exec<R>(query, ...values).toArray() : []
  }

  /** Notes the owner and the rules that are known; in memory alone for a user without a session ever. */
  remember({ identityStoreId, userId }: UserKey, rules: UserRules): void {
    // A session of a version without epochs has that of the rules before these.
    this.living()
    const written = !this.isEmpty
    this.known = { owner: { identityStoreId, userId }, rules, devices: this.devices, written }
    if (written) this.writeFacts(this.known)
    this.changes += 1
  }

  /** Notes which devices are known; in memory alone until the first session is written. */
  rememberDevices(devices: readonly KnownDevice[]): void {
    const facts = this.facts()
    if (facts === null) return
    this.known = { ...facts, devices }
    if (facts.written) this.writeFacts(this.known)
  }

  private writeFacts({ owner, rules, devices }: Facts): void {
    this.sql.exec(
      `INSERT INTO owner (only, identity_store_id, user_id, knowledge, devices) VALUES (1, ?1, ?2, ?3, ?4)
       ON CONFLICT (only) DO UPDATE SET knowledge = excluded.knowledge, devices = excluded.devices`,
      owner.identityStoreId,
      owner.userId,
      JSON.stringify(rules),
      JSON.stringify(devices),
    )
  }

  /** The newest session id there is, for the next one to follow. */
  newestId(): string | null {
    if (this.newest === undefined) {
      this.newest = this.query<{ id: string }>('SELECT id FROM sessions ORDER BY id DESC LIMIT 1')[0]?.id ?? null
    }
    return this.newest
  }

  /** A session, live or remembered. */
  find(id: string): StoredSession | null {
    const live = this.living().get(id)
    if (live !== undefined) return live
    const [row] = this.query<Row>('SELECT * FROM sessions WHERE id = ?', id)
    return row === undefined ? null : stored(row, this.rules.status.version)
  }

  /** The live sessions, oldest first. */
  live(): Session[] {
    return Array.from(this.living().values(), ({ session }) => session)
  }

  private living(): Map<string, StoredSession> {
    if (this.copies === undefined) {
      // One scan, of the live ones and those that are remembered.
      const rows = this.query<Row>(
        'SELECT * FROM sessions WHERE ended_at IS NULL OR version <> mirrored_version ORDER BY id',
      )
      this.copies = new Map(
        rows.filter((row) => row.ended_at === null).map((row) => [row.id, stored(row, this.rules.status.version)]),
      )
      this.unmirroredIds = new Set(rows.filter((row) => row.version !== row.mirrored_version).map(({ id }) => id))
    }
    return this.copies
  }

  /** Writes a new session, which lives. */
  insert(session: Session, origin: SessionOrigin, secretHash: string, cookie: IssuedCookie | null): void {
    const facts = this.facts()
    if (facts === null) throw new Error('nobody owns the session')
    if (!facts.written) {
      migrate(this.sql, STEPS, SCHEMA)
      this.tables = true
      this.writeFacts(facts)
      this.known = { ...facts, written: true }
    }
    const cookiePersistent = cookie?.persistent ?? null
    const cookieExpiresAt = cookie?.expiresAt ?? null
    this.sql.exec(
      `INSERT INTO sessions (id, version, mirrored_version, kind, secret_hash, opened_at, last_seen_at, persistent,
         credentials_type, address, user_agent, location, actor, api_client_id, cookie_issued_at, cookie_persistent,
         cookie_expires_at, epoch, opened_by, replaces_session_id, new_device, openid)
       VALUES (?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
      cookieExpiresAt,
      session.epoch,
      origin.openedBy,
      origin.replacesSessionId,
      origin.newDevice === null ? null : Number(origin.newDevice),
      toJson(origin.openid),
    )
    this.newest = session.id
    this.idsToMirror().add(session.id)
    this.keep(newlyStored(session, origin, secretHash, cookie))
  }

  /**
   * Notes activity: always in memory, in the table if that is `writeAfter` milliseconds behind. With `exact` nothing
   * is lost with the memory: the first activity after a pause is written too; for what a burst leaves unwritten the
   * table says how late it may be, until `writeActivity` writes what it was.
   */
  touch(live: StoredSession, at: number, writeAfter: number, exact: boolean): StoredSession {
    const inBurst = at - live.session.lastSeenAt <= BURST_GAP_MILLISECONDS
    const write = at - live.writtenLastSeenAt >= writeAfter || (exact && !inBurst)
    const touched = { ...live, session: { ...live.session, lastSeenAt: at } }
    if (write) return this.writeSeen(touched, at, exact && inBurst ? at + writeAfter : null)
    if (exact && live.seenBy === null && at > live.writtenLastSeenAt) {
      return this.writeSeen(touched, live.writtenLastSeenAt, live.writtenLastSeenAt + writeAfter)
    }
    this.living().set(live.session.id, touched)
    return touched
  }

  /** Writes what is left of the bursts whose last activity was at or before an instant. */
  writeActivity(until: number): void {
    for (const live of this.unwritten()) {
      if (live.session.lastSeenAt <= until) this.writeSeen(live, live.session.lastSeenAt, null)
    }
  }

  /** When `writeActivity` is to come next; null for never. */
  nextWriteAt(): number | null {
    const ends = this.unwritten().map(({ session }) => session.lastSeenAt + BURST_GAP_MILLISECONDS)
    return ends.length === 0 ? null : Math.min(...ends)
  }

  private unwritten(): StoredSession[] {
    return [...this.living().values()].filter(({ seenBy }) => seenBy !== null)
  }

  private writeSeen(live: StoredSession, writtenLastSeenAt: number, seenBy: number | null): StoredSession {
    const { id } = live.session
    this.sql.exec('UPDATE sessions SET last_seen_at = ?, seen_by = ? WHERE id = ?', writtenLastSeenAt, seenBy, id)
    const written = { ...live, writtenLastSeenAt, seenBy }
    this.living().set(id, written)
    return written
  }

  /** Notes that the session is now used by another client; `writeClient` is to follow. */
  moved(live: StoredSession, client: Client, at: number): StoredSession {
    const clientChanges = [...live.clientChanges, { at, client }].slice(-REMEMBERED_CLIENT_CHANGES)
    const session = { ...live.session, recentClient: client }
    return this.keep({ ...live, session, clientChanges, clientUnwritten: true })
  }

  /** Writes which client the session is now used by. */
  writeClient(live: StoredSession, at: number): StoredSession {
    const { id, recentClient } = live.session
    this.sql.exec(
      `UPDATE sessions SET recent_client = ?, client_changes = ?, client_written_at = ?, version = version + 1
       WHERE id = ?`,
      toJson(recentClient),
      toJson(live.clientChanges),
      at,
      id,
    )
    this.idsToMirror().add(id)
    return this.keep({ ...live, version: live.version + 1, clientWrittenAt: at, clientUnwritten: false })
  }

  /** Notes that the session's cookie was issued anew. */
  cookieIssued(live: StoredSession, at: number, { persistent, expiresAt }: IssuedCookie): StoredSession {
    this.sql.exec(
      'UPDATE sessions SET cookie_issued_at = ?, cookie_persistent = ?, cookie_expires_at = ? WHERE id = ?',
      at,
      +persistent,
      expiresAt,
      live.session.id,
    )
    const session = { ...live.session, cookieIssuedAt: at }
    return this.keep({ ...live, session, cookiePersistent: persistent, cookieExpiresAt: expiresAt })
  }

  /** Notes which workspace the session's client has chosen. */
  chooseWorkspace(live: StoredSession, workspace: string): StoredSession {
    this.sql.exec('UPDATE sessions SET workspace = ? WHERE id = ?', workspace, live.session.id)
    return this.keep({ ...live, workspace })
  }

  /** Forgets where every session came from, ended ones too. False if nothing was known. */
  clearLocations(): boolean {
    const living = this.living()
    const cleared = this.query<{ id: string }>(
      'UPDATE sessions SET location = NULL, version = version + 1 WHERE location IS NOT NULL RETURNING id',
    )
    const ids = cleared.map(({ id }) => id)
    for (const id of ids) this.idsToMirror().add(id)
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
  end(id: string, ending: Ending, by: AskedBy): void {
    const live = this.living().get(id)
    if (live === undefined) return
    this.sql.exec(
      `UPDATE sessions SET ended_at = ?, end_reason = ?, end_decision = ?, ended_by = ?, end_request_id = ?,
         last_seen_at = ?, recent_client = ?, client_changes = ?, version = version + 1 WHERE id = ?`,
      ending.endedAt,
      ending.reason,
      toJson(ending.decision),
      by.caller,
      by.requestId,
      live.session.lastSeenAt,
      toJson(live.session.recentClient),
      toJson(live.clientChanges),
      id,
    )
    this.idsToMirror().add(id)
    this.living().delete(id)
    this.changes += 1
  }

  private idsToMirror(): Set<string> {
    this.living()
    return this.unmirroredIds
  }

  /** D1 may have lost any of them: all are to be copied again. */
  forgetMirrored(): void {
    const ids = this.idsToMirror()
    for (const { id } of this.query<{ id: string }>('UPDATE sessions SET mirrored_version = 0 RETURNING id'))
      ids.add(id)
  }

  /** Whether D1 lacks anything. */
  hasUnmirrored(): boolean {
    return this.idsToMirror().size > 0
  }

  /** Sessions whose state D1 does not have yet. */
  unmirrored(most: number): StoredSession[] {
    const ids = [...this.idsToMirror()].slice(0, most)
    const ended = ids.filter((id) => !this.living().has(id))
    const rows =
      ended.length === 0
        ? []
        : this.sql.exec<Row>(
            'SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?))',
            JSON.stringify(ended),
          )
    const sessions = new Map(Array.from(rows, (row) => [row.id, stored(row, this.rules.status.version)]))
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
      if (row?.version === version) this.idsToMirror().delete(session.id)
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
      now - REMEMBERED_ENDED_MILLISECONDS,
    )
  }
}

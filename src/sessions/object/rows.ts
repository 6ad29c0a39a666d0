/** A session as its user's object keeps it, and the row of the table that it is read from. */
import type {
  Actor,
  AskedBy,
  ClientChange,
  CredentialsType,
  EndDecision,
  Ending,
  EndReason,
  Location,
  Session,
  SessionKind,
} from '../../domain/session.ts'
import type { SessionOrigin } from '../../domain/session-story.ts'

/** A session as the object keeps it. */
export interface StoredSession {
  readonly session: Session
  readonly origin: SessionOrigin
  readonly version: number
  readonly secretHash: string
  /** The last activity as the table has it; `session.lastSeenAt` is exact. */
  readonly writtenLastSeenAt: number
  /** While a burst of activity is not all written: the latest instant that the unwritten activity can have. */
  readonly seenBy: number | null
  /** When a change of client was last written; null: never. */
  readonly clientWrittenAt: number | null
  /** Whether `session.recentClient` is only in memory. */
  readonly clientUnwritten: boolean
  /** The last ones, oldest first; written with `session.recentClient`. */
  readonly clientChanges: readonly ClientChange[]
  /** For kind `api`: the workspace that its client chose; null for none. */
  readonly workspace: string | null
  /** Whether its cookie, as last issued, outlives the browser; null for no cookie. */
  readonly cookiePersistent: boolean | null
  /** When its cookie, as last issued, expires; null for one that ends with the browser, and where nobody knows. */
  readonly cookieExpiresAt: number | null
  /** Null while it lives. */
  readonly ending: (Ending & { readonly by: AskedBy }) | null
}

/** A cookie as it is issued. */
export interface IssuedCookie {
  readonly persistent: boolean
  /** Null: with the browser. */
  readonly expiresAt: number | null
}

/** A row of the table. */
export interface Row extends Record<string, SqlStorageValue> {
  id: string
  version: number
  mirrored_version: number
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
  cookie_expires_at: number | null
  epoch: number | null
  seen_by: number | null
  client_written_at: number | null
  opened_by: string | null
  replaces_session_id: string | null
  new_device: number | null
  client_changes: string | null
  end_decision: string | null
  openid: string | null
}

/** What a row says. `epoch`: that of a session of a version without epochs. */
export function stored(row: Row, epoch: number): StoredSession {
  return {
    version: row.version,
    secretHash: row.secret_hash,
    writtenLastSeenAt: row.last_seen_at,
    seenBy: row.seen_by,
    clientWrittenAt: row.client_written_at,
    clientUnwritten: false,
    clientChanges: row.client_changes === null ? [] : JSON.parse(row.client_changes),
    origin: {
      openedBy: row.opened_by,
      replacesSessionId: row.replaces_session_id,
      newDevice: row.new_device === null ? null : row.new_device === 1,
      openid: row.openid === null ? null : JSON.parse(row.openid),
    },
    workspace: row.workspace,
    cookiePersistent: row.cookie_persistent === null ? null : row.cookie_persistent === 1,
    cookieExpiresAt: row.cookie_expires_at,
    ending:
      row.ended_at === null || row.end_reason === null
        ? null
        : {
            reason: row.end_reason,
            endedAt: row.ended_at,
            ...(row.end_decision !== null && { decision: JSON.parse(row.end_decision) as EndDecision }),
            by: { caller: row.ended_by, requestId: row.end_request_id },
          },
    session: {
      id: row.id,
      kind: row.kind,
      epoch: row.epoch ?? epoch,
      openedAt: row.opened_at,
      // Memory was lost within a burst of activity. The session had better idle out late than early.
      lastSeenAt: row.seen_by ?? row.last_seen_at,
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

/** When a session was last changed in a way that D1 is told of, epoch milliseconds; null: nobody knows any more. */
export function changedAt({ session, version, ending, clientWrittenAt }: StoredSession): number | null {
  return ending?.endedAt ?? clientWrittenAt ?? (version === 1 ? session.openedAt : null)
}

/** A session as it is when it was opened. */
export function newlyStored(
  session: Session,
  origin: SessionOrigin,
  secretHash: string,
  cookie: IssuedCookie | null,
): StoredSession {
  return {
    session,
    origin,
    version: 1,
    secretHash,
    writtenLastSeenAt: session.lastSeenAt,
    seenBy: null,
    clientWrittenAt: null,
    clientUnwritten: false,
    clientChanges: [],
    workspace: null,
    cookiePersistent: cookie?.persistent ?? null,
    cookieExpiresAt: cookie?.expiresAt ?? null,
    ending: null,
  }
}

/** A value as a column has it; null for none. */
export function toJson(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}

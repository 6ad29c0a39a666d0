/**
 * The D1 schema. The key of what belongs to a tenant starts with the identity store, so one user's rows are together
 * and no statement can cross tenants by accident; what is found by a hash alone has that as its key. Tables are WITHOUT
 * ROWID (migrations/), one written row a record. Each index is named for the query that it serves. Instants are epoch milliseconds.
 */
import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { ROLES } from '../domain/authority.ts'
import { type ClientKindLimits, type GroupConfig, type SessionConfig, WHEN_LIMIT_REACHED } from '../domain/policy.ts'
import type { CredentialsType, EndDecision, EndReason, SessionKind } from '../domain/session.ts'

/** How a user's password sign-in is verified. Source: Netaxis APIO login modes. */
export const LOGIN_MODES = [
  'SERVER_LOGIN',
  'LOCAL_LOGIN_SHARED',
  'LOCAL_LOGIN_DEDICATED',
  'SSO_LOGIN_DEDICATED',
  'DJANGO_ONLY',
] as const
export type LoginMode = (typeof LOGIN_MODES)[number]

/** State of an identity store, for the APIs that have words for it. */
export const STORE_STATES = ['active', 'migrating', 'without_plan'] as const
export type StoreState = (typeof STORE_STATES)[number]

/** Forms of a caller's credential. */
export const CREDENTIAL_KINDS = ['bearer', 'api_client', 'access_key'] as const
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** Tenants. */
export const identityStores = sqliteTable('identity_stores', {
  identityStoreId: text('identity_store_id').primaryKey(),
  name: text('name').notNull(),
  defaultLoginMode: text('default_login_mode', { enum: LOGIN_MODES }).notNull(),
  state: text('state', { enum: STORE_STATES }).notNull(),
  /** Whether profile changes of SSO_LOGIN_DEDICATED users go to the application server too. Source: Netaxis APIO. */
  updateProfileToBsDbSso: integer('update_profile_to_bs_db_sso', { mode: 'boolean' }).notNull().default(false),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
  /** A deleted store keeps its id, so that nothing of it can come back to life. */
  deletedAt: integer('deleted_at'),
})

/** Settings for every user of a store. One row per store, changed only by partial updates that raise `version`. */
export const sessionConfigs = sqliteTable('session_configs', {
  identityStoreId: text('identity_store_id').primaryKey(),
  version: integer('version').notNull(),
  allowPersistentSessions: integer('allow_persistent_sessions', { mode: 'boolean' }).notNull(),
  /** A fraction where it was said in seconds. */
  sessionMinutes: integer('session_minutes').notNull(),
  concurrentSessionLimit: integer('concurrent_session_limit'),
  clientKindLimits: text('client_kind_limits', { mode: 'json' }).$type<ClientKindLimits>(),
  whenLimitReached: text('when_limit_reached', { enum: WHEN_LIMIT_REACHED }).notNull().default('evict_oldest'),
  useInactivityBasedLogout: integer('use_inactivity_based_logout', { mode: 'boolean' }).notNull(),
  /** Null: as long as the service says. */
  inactivityTimeoutSeconds: integer('inactivity_timeout_seconds'),
  trackSessionLocation: integer('track_session_location', { mode: 'boolean' }).notNull(),
  updatedAt: integer('updated_at').notNull(),
})

/** What each store's config was and is, from the first change on that was noted. */
export const sessionConfigVersions = sqliteTable(
  'session_config_versions',
  {
    identityStoreId: text('identity_store_id').notNull(),
    version: integer('version').notNull(),
    config: text('config', { mode: 'json' }).notNull().$type<SessionConfig>(),
    changedAt: integer('changed_at').notNull(),
    /** Null: it was so before changes were noted. */
    actor: text('actor'),
    requestId: text('request_id'),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.version] })],
)

/** Settings for the users of one group of a store. One that was removed keeps its row, and says nothing. */
export const groupSessionConfigs = sqliteTable(
  'group_session_configs',
  {
    identityStoreId: text('identity_store_id').notNull(),
    groupId: text('group_id').notNull(),
    version: integer('version').notNull(),
    config: text('config', { mode: 'json' }).notNull().$type<GroupConfig>(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.groupId] })],
)

/** Users. A deleted user keeps its row and its versions. */
export const users = sqliteTable(
  'users',
  {
    identityStoreId: text('identity_store_id').notNull(),
    userId: text('user_id').notNull(),
    groupId: text('group_id'),
    /** Rises each time the user goes to another group. */
    groupVersion: integer('group_version').notNull().default(0),
    /** With its domain; in lower case; unique among all stores. Null once the user is deleted. */
    username: text('username'),
    /** scrypt, PHC string. Null: no password sign-in. */
    passwordHash: text('password_hash'),
    role: text('role', { enum: ROLES }).notNull(),
    /** 0 end user, 4 department admin, 8 group admin, 12 tenant admin, 16 system. Source: Netaxis APIO. */
    userLevel: integer('user_level').notNull(),
    /** Null: the store's default. */
    loginMode: text('login_mode', { enum: LOGIN_MODES }),
    bot: integer('bot', { mode: 'boolean' }).notNull(),
    active: integer('active', { mode: 'boolean' }).notNull(),
    /** When the password was last changed. Read only by versions from before there were epochs. */
    sessionsValidFrom: integer('sessions_valid_from').notNull(),
    /** The user's epoch: a new password, a disable, an enable and a delete raise it, and it never goes back. */
    statusVersion: integer('status_version').notNull(),
    firstName: text('first_name'),
    lastName: text('last_name'),
    emailAddress: text('email_address'),
    /** The user wrote the address; operators did not. It says nothing of who the user is. */
    emailByUser: integer('email_by_user', { mode: 'boolean' }).notNull().default(false),
    /** The application server's version of the profile that this one was last taken from; null: never. */
    profileVersion: integer('profile_version'),
    /** JSON, `ProfileBase`: what changes made here alone are told by; null: there was none. */
    profileBase: text('profile_base'),
    /** The user's `sub` at an OpenID provider … */
    openidSubject: text('openid_subject'),
    /** … and the issuer that it belongs to. Null beside a subject: unknown, and nobody is found by it. */
    openidIssuer: text('openid_issuer'),
    /** When the user first signed in at the APIO API; null: not yet. */
    firstLoginAt: integer('first_login_at'),
    /** Hashes of the address prefixes that the user signed in from by password, the last one first; comma-separated. */
    signedInFrom: text('signed_in_from'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    deletedAt: integer('deleted_at'),
  },
  (table) => [
    primaryKey({ columns: [table.identityStoreId, table.userId] }),
    uniqueIndex('user_by_username').on(table.username),
    index('users_of_store_by_username').on(table.identityStoreId, table.username).where(sql`username IS NOT NULL`),
    uniqueIndex('user_by_openid_subject')
      .on(table.identityStoreId, table.openidSubject)
      .where(sql`openid_subject IS NOT NULL`),
    index('user_by_email_address')
      .on(table.identityStoreId, sql`lower(email_address)`)
      .where(sql`lower(email_address) IS NOT NULL`),
  ],
)

/** One user's own settings. */
export const sessionSettings = sqliteTable(
  'session_settings',
  {
    identityStoreId: text('identity_store_id').notNull(),
    userId: text('user_id').notNull(),
    version: integer('version').notNull(),
    durationSeconds: integer('duration_seconds'),
    desktopAppBrowserQuit: integer('desktop_app_browser_quit', { mode: 'boolean' }),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.userId] })],
)

/** Session records: the mirror of every session, live and ended. Written by the users' objects alone. */
export const sessions = sqliteTable(
  'sessions',
  {
    identityStoreId: text('identity_store_id').notNull(),
    userId: text('user_id').notNull(),
    sessionId: text('session_id').notNull(),
    /** The session's number, for APIs with integer ids. */
    number: integer('number').notNull(),
    version: integer('version').notNull(),
    kind: text('kind').notNull().$type<SessionKind>(),
    openedAt: integer('opened_at').notNull(),
    lastSeenAt: integer('last_seen_at').notNull(),
    persistent: integer('persistent', { mode: 'boolean' }).notNull(),
    credentialsType: text('credentials_type').notNull().$type<CredentialsType>(),
    address: text('address'),
    userAgent: text('user_agent'),
    recentAddress: text('recent_address'),
    recentUserAgent: text('recent_user_agent'),
    /** JSON, or null. */
    location: text('location'),
    actorUserId: text('actor_user_id'),
    actorSessionId: text('actor_session_id'),
    apiClientId: text('api_client_id'),
    endedAt: integer('ended_at'),
    endReason: text('end_reason').$type<EndReason>(),
    endedBy: text('ended_by'),
    endRequestId: text('end_request_id'),
    /**
     * Who opened it, as the audit log names them. Null in records from before this was kept, and so are the next three.
     */
    openedBy: text('opened_by'),
    /** The session of the same client whose place it took. */
    replacesSessionId: text('replaces_session_id'),
    /** Whether this kind of browser and system was new to the user. */
    newDevice: integer('new_device', { mode: 'boolean' }),
    /** The rule that ended it, if a rule did. */
    endDecision: text('end_decision', { mode: 'json' }).$type<EndDecision>(),
    /** The sign-in at an OpenID provider that it was opened by: who vouched, for whom, and in which session there. */
    openidIssuer: text('openid_issuer'),
    openidSubject: text('openid_subject'),
    openidSid: text('openid_sid'),
  },
  (table) => [
    /** Serves "a user's sessions". */
    primaryKey({ columns: [table.identityStoreId, table.userId, table.sessionId] }),
    index('live_sessions_of_store_newest_first')
      .on(table.identityStoreId, table.sessionId)
      .where(sql`ended_at IS NULL AND kind = 'web'`),
    index('ended_sessions_of_store_newest_first')
      .on(table.identityStoreId, table.endedAt, table.sessionId)
      .where(sql`ended_at IS NOT NULL AND kind = 'web'`),
    /** Serves "whether the user has a live session". */
    index('live_sessions_of_user')
      .on(table.identityStoreId, table.userId)
      .where(sql`ended_at IS NULL AND kind = 'web'`),
    index('session_by_number').on(table.identityStoreId, table.number),
    /** Serves the removal of old records, and nothing while a session lives. */
    index('ended_sessions_oldest_first').on(table.endedAt).where(sql`ended_at IS NOT NULL`),
    index('sessions_by_openid_sid').on(table.identityStoreId, table.openidSid).where(sql`openid_sid IS NOT NULL`),
    /** Serves the clearing of locations. */
    index('sessions_with_location').on(table.identityStoreId, table.userId).where(sql`location IS NOT NULL`),
  ],
)

/** What callers prove themselves with. Operators' credentials belong to the store `*`. */
export const credentials = sqliteTable(
  'credentials',
  {
    identityStoreId: text('identity_store_id').notNull(),
    credentialId: text('credential_id').notNull(),
    kind: text('kind', { enum: CREDENTIAL_KINDS }).notNull(),
    name: text('name').notNull(),
    /** The public part that a caller shows: token id, client id or access key. */
    publicId: text('public_id').notNull(),
    /** SHA-256 of the secret, hexadecimal; null where it is sealed instead. */
    secretHash: text('secret_hash'),
    /** The secret itself, sealed, where the protocol needs it (access keys). */
    sealedSecret: text('sealed_secret'),
    /** Of a temporary access key: SHA-256 of the token that must come with it, hexadecimal. */
    sessionTokenHash: text('session_token_hash'),
    /** Of a temporary access key: the credential it was issued from, of the same store. */
    parentCredentialId: text('parent_credential_id'),
    /** JSON array of other stores that it administers. */
    delegatedStoreIds: text('delegated_store_ids').notNull().default('[]'),
    /** Of an operator: JSON array of the stores that it is limited to; null for all. */
    limitedStoreIds: text('limited_store_ids'),
    /** JSON array of earlier secrets that are good for a while, oldest first: one as above, and `valid_until`, an instant. */
    previousSecrets: text('previous_secrets').notNull().default('[]'),
    /** The user it acts for, if any. */
    ownerUserId: text('owner_user_id'),
    /** JSON array. */
    scopes: text('scopes').notNull(),
    /** JSON array of addresses and CIDR blocks; null for any address. */
    addressAllowList: text('address_allow_list'),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
    /** Right to the hour; null: never, or not since this is kept. */
    lastUsedAt: integer('last_used_at'),
  },
  (table) => [
    primaryKey({ columns: [table.identityStoreId, table.credentialId] }),
    uniqueIndex('credential_by_public_id').on(table.publicId),
    /** These two serve the removal of dead ones, the third the question whether the store tells security events. */
    index('revoked_credentials_oldest_first').on(table.revokedAt).where(sql`revoked_at IS NOT NULL`),
    index('credentials_by_expiry').on(table.expiresAt).where(sql`expires_at IS NOT NULL`),
    index('receivers_of_security_events').on(table.identityStoreId).where(sql`instr(scopes, '"ssf.') > 0`),
  ],
)

/** Secrets of the deployment that have made an operator, so that none makes another. Never emptied. */
export const spentSecrets = sqliteTable('spent_secrets', {
  /** SHA-256, hexadecimal; empty for one that was spent before this was kept. */
  secretHash: text('secret_hash').primaryKey(),
  spentAt: integer('spent_at').notNull(),
})

/** Login tokens that were not used yet. Whoever shows one has nothing else, so its hash is the key. */
export const loginTokens = sqliteTable('login_tokens', {
  /** SHA-256, hexadecimal. */
  tokenHash: text('token_hash').primaryKey(),
  identityStoreId: text('identity_store_id').notNull(),
  userId: text('user_id').notNull(),
  /** The user's epoch when it was made; null where an earlier version made it. */
  epoch: integer('epoch'),
  /** The user who made it, of the same store. Null: the version that made it did not note who. */
  makerUserId: text('maker_user_id'),
  createdAt: integer('created_at').notNull(),
  expiresAt: integer('expires_at').notNull(),
})

/** Counters of wrong passwords. `subject` is a hash of what is counted: a pair, an address prefix or a user name. */
export const signInAttempts = sqliteTable(
  'sign_in_attempts',
  {
    identityStoreId: text('identity_store_id').notNull(),
    subject: text('subject').notNull(),
    username: text('username'),
    /** The identity store of the user. Null: there is no such user, or an earlier version counted. */
    userStoreId: text('user_store_id'),
    userId: text('user_id'),
    address: text('address'),
    attempts: integer('attempts').notNull(),
    windowEndsAt: integer('window_ends_at').notNull(),
    lockedAt: integer('locked_at'),
    lockedUntil: integer('locked_until'),
  },
  (table) => [
    primaryKey({ columns: [table.identityStoreId, table.subject] }),
    /** Served the list of lockouts before these had their store. */
    index('lockouts_by_username').on(table.username).where(sql`locked_until IS NOT NULL`),
    index('lockouts_of_store_newest_first')
      .on(table.userStoreId, table.lockedAt, table.subject)
      .where(sql`locked_until IS NOT NULL`),
  ],
)

/** Counters of calls, for APIs that limit them per minute. `subject` is what is counted. */
export const callCounters = sqliteTable(
  'call_counters',
  {
    identityStoreId: text('identity_store_id').notNull(),
    subject: text('subject').notNull(),
    calls: integer('calls').notNull(),
    windowEndsAt: integer('window_ends_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.subject] })],
)

/**
 * What happened in each hour of a store. The row of the newest hour also has the totals of now, so that an event writes
 * one row. Written by the triggers of migration 0008 alone, through their view `counted_events`.
 */
export const sessionCounters = sqliteTable(
  'session_counters',
  {
    identityStoreId: text('identity_store_id').notNull(),
    /** Its first instant. */
    hour: integer('hour').notNull(),
    /** Live web sessions. In the newest row alone it says anything, and so does the next one. */
    liveSessions: integer('live_sessions').notNull(),
    /** Users with a live web session. */
    usersWithSessions: integer('users_with_sessions').notNull(),
    /** JSON object: `opened`, `sign_in_failed`, `locked_out` and the reasons of ends, each with how many there were. */
    counts: text('counts', { mode: 'json' }).notNull().$type<Readonly<Record<string, number>>>(),
  },
  (table) => [primaryKey({ columns: [table.identityStoreId, table.hour] })],
)

/** Requests that came with an idempotency key, for as long as they may come again. */
export const idempotentRequests = sqliteTable(
  'idempotent_requests',
  {
    /** SHA-256 of the caller, the method, the path and the key; hexadecimal. */
    keyHash: text('key_hash').primaryKey(),
    /** SHA-256 of the body; hexadecimal. */
    bodyHash: text('body_hash').notNull(),
    /** Null while it is being answered. */
    status: integer('status'),
    /** The answer's body, sealed: it may hold a token or a secret. */
    sealedAnswer: text('sealed_answer'),
    expiresAt: integer('expires_at').notNull(),
  },
  (table) => [index('idempotent_requests_by_expiry').on(table.expiresAt)],
)

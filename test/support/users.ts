/** A user whose object is spoken to directly, below the APIs. */

import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { and, eq, sql } from 'drizzle-orm'
import {
  DEFAULT_SESSION_CONFIG,
  type RuleUpdates,
  type SessionConfig,
  type Versioned,
} from '../../src/domain/policy.ts'
import type { SessionProof } from '../../src/sessions/object/token-secrets.ts'
import type { Opening } from '../../src/sessions/object/user-sessions.ts'
import { userStub } from '../../src/sessions/object/user-stub.ts'
import { readRules } from '../../src/store/rules.ts'
import { sessionConfigs, sessionSettings, sessions, users } from '../../src/store/schema.ts'
import type { SessionRecord } from '../../src/store/session-records.ts'
import { db, makeUser, type UserOptions } from './stores.ts'

/** A session that was opened, and what proves to hold it. */
export interface OpenSession {
  readonly id: string
  readonly proof: SessionProof
}

/** Makes a user, in a store of its own unless told otherwise. */
export async function newUser(options: UserOptions = {}) {
  const made = await makeUser(options)
  const key = { identityStoreId: made.identityStoreId, userId: made.userId }
  const mine = and(eq(users.identityStoreId, key.identityStoreId), eq(users.userId, key.userId))
  let version = 1

  const user = {
    ...made,
    key,
    /** A new stub each time: one does not survive its object's restart. */
    get stub() {
      return userStub(env.USERS, key)
    },
    /** What D1 says holds for the user. */
    async rules(): Promise<RuleUpdates> {
      const rules = await readRules(db, key)
      if (!rules.ok || rules.value === null) throw new Error('no rules')
      return rules.value
    },
    /** A config newer than all before, with these fields changed from the first; told to nobody. */
    config(changes: Partial<SessionConfig>): Versioned<SessionConfig> {
      version += 1
      return { version, value: { ...DEFAULT_SESSION_CONFIG, ...options.config, ...changes } }
    },
    /** Changes the config in D1, and tells nobody. */
    async changeConfigInD1(changes: Partial<SessionConfig>): Promise<void> {
      await db
        .update(sessionConfigs)
        .set({ ...changes, version: sql`version + 1` })
        .where(eq(sessionConfigs.identityStoreId, key.identityStoreId))
    },
    /** Changes the user's own settings in D1, and tells nobody. */
    async changeSettingsInD1(durationSeconds: number): Promise<void> {
      await db
        .insert(sessionSettings)
        .values({ ...key, version: 1, durationSeconds, desktopAppBrowserQuit: null, updatedAt: 0 })
        .onConflictDoUpdate({
          target: [sessionSettings.identityStoreId, sessionSettings.userId],
          set: { durationSeconds, version: sql`${sessionSettings.version} + 1` },
        })
    },
    /** Enables or disables the user in D1, and tells nobody. */
    async setActiveInD1(active: boolean): Promise<void> {
      await db.update(users).set({ active, statusVersion: sql`status_version + 1` }).where(mine)
    },
    /** Opens a session with what D1 says now, as the service does. */
    async open(opening: Partial<Opening> = {}, updates?: RuleUpdates): Promise<OpenSession> {
      const secretHash = createHash('sha256').update(crypto.randomUUID()).digest('hex')
      const opened = await user.stub.open(key, { ...OPENING, ...opening, secretHash }, updates ?? (await user.rules()))
      if (!opened.ok) throw new Error(`not opened: ${opened.error.code}`)
      return { id: opened.value.session.id, proof: { sessionId: opened.value.session.id, secretHash } }
    },
    async check(session: OpenSession, how: { touch?: boolean } = {}, updates: RuleUpdates = {}) {
      return user.stub.check(session.proof, { touch: how.touch ?? true, cookie: false, client: null }, updates)
    },
    /** Why each session ended, or `alive`. Does not count as activity. */
    async reasons(sessions: readonly OpenSession[]): Promise<string[]> {
      const answers = await Promise.all(sessions.map((session) => user.check(session, { touch: false })))
      return answers.map((answer) =>
        answer.ok ? 'alive' : answer.error.code === 'session_ended' ? answer.error.reason : answer.error.code,
      )
    },
    /** The user's session records in D1, oldest first. */
    async records(): Promise<SessionRecord[]> {
      return db
        .select()
        .from(sessions)
        .where(and(eq(sessions.identityStoreId, key.identityStoreId), eq(sessions.userId, key.userId)))
        .orderBy(sessions.sessionId)
    },
  }
  return user
}

const OPENING: Omit<Opening, 'secretHash'> = {
  kind: 'web',
  persistent: false,
  credentialsType: 'password',
  client: { address: '192.0.2.1', userAgent: 'Test' },
  location: null,
  actor: null,
  apiClientId: null,
  cookie: false,
  replaces: null,
}

/** A user with a store in D1 and an object of its own, spoken to directly. */

import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { DEFAULT_SESSION_CONFIG, type News, type SessionConfig, type Versioned } from '../../src/domain/policy.ts'
import type { Holder, Opening } from '../../src/sessions/user-sessions.ts'
import { userStub } from '../../src/sessions/user-stub.ts'
import { openDatabase } from '../../src/store/database.ts'
import type { UserKey } from '../../src/store/rules.ts'
import { identityStores, sessionConfigs, users } from '../../src/store/schema.ts'

let count = 0

/** A session that was opened, and what proves to hold it. */
export interface OpenSession {
  readonly id: string
  readonly holder: Holder
}

/** Makes a store of its own with one user. The config is version 1. */
export async function newUser(options: { config?: Partial<SessionConfig> } = {}) {
  count += 1
  const key: UserKey = { identityStoreId: `d-${count}-${crypto.randomUUID().slice(0, 8)}`, userId: `U${count}` }
  const db = openDatabase(env.DB)
  const now = Date.now()
  const first = { ...DEFAULT_SESSION_CONFIG, ...options.config }
  await db.batch([
    db.insert(identityStores).values({
      identityStoreId: key.identityStoreId,
      name: 'Test',
      defaultLoginMode: 'LOCAL_LOGIN_SHARED',
      state: 'active',
      createdAt: now,
      updatedAt: now,
    }),
    db.insert(sessionConfigs).values({ identityStoreId: key.identityStoreId, version: 1, ...first, updatedAt: now }),
    db.insert(users).values({
      ...key,
      username: `${key.userId}@${key.identityStoreId}.example`.toLowerCase(),
      role: 'member',
      userLevel: 0,
      bot: false,
      active: true,
      statusVersion: 1,
      sessionsValidFrom: 0,
      createdAt: now,
      updatedAt: now,
    }),
  ])
  let version = 1
  const known: News = {
    config: { version, value: first },
    status: { version: 1, value: { active: true, sessionsValidFrom: 0 } },
  }

  const user = {
    key,
    db,
    /** A new stub each time: one does not survive its object's restart. */
    get stub() {
      return userStub(env.USERS, key)
    },
    /** The next version of the config, with these fields changed from the first. */
    config(changes: Partial<SessionConfig>): Versioned<SessionConfig> {
      version += 1
      return { version, value: { ...first, ...changes } }
    },
    async open(opening: Partial<Opening> = {}, news: News = known): Promise<OpenSession> {
      const secretHash = createHash('sha256').update(crypto.randomUUID()).digest('hex')
      const opened = await user.stub.open(key, { ...OPENING, ...opening, secretHash }, news)
      if (!opened.ok) throw new Error(`not opened: ${opened.error.code}`)
      return { id: opened.value.session.id, holder: { sessionId: opened.value.session.id, secretHash } }
    },
    async check(session: OpenSession, how: { touch?: boolean } = {}, news: News = {}) {
      return user.stub.check(session.holder, { touch: how.touch ?? true, cookie: false, client: null }, news)
    },
    /** Why each session ended, or `alive`. Does not count as activity. */
    async reasons(sessions: readonly OpenSession[]): Promise<string[]> {
      const answers = await Promise.all(sessions.map((session) => user.check(session, { touch: false })))
      return answers.map((answer) =>
        answer.ok ? 'alive' : answer.error.code === 'session_ended' ? answer.error.reason : answer.error.code,
      )
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

/** Many users and sessions, written with one statement each. */
import { env } from 'cloudflare:workers'
import { nextSessionId, sessionNumber } from '../../../src/domain/session-id.ts'
import { findUser } from '../../../src/store/users.ts'
import { mirrored, userObject } from '../../support/objects.ts'
import { db } from '../../support/stores.ts'

/** Makes members of a store; answers their ids. */
export async function manyUsers(identityStoreId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `many-${String(index).padStart(5, '0')}`)
  await env.DB.prepare(
    `INSERT INTO users (identity_store_id, user_id, username, role, user_level, bot, active, sessions_valid_from, status_version, created_at, updated_at)
     SELECT ?1, value, value || '@' || ?1, 'member', 0, 0, 1, 0, 1, 0, 0 FROM json_each(?2)`,
  )
    .bind(identityStoreId, JSON.stringify(ids))
    .run()
  return ids
}

export interface Opening {
  readonly userAgent?: string | null
  readonly address?: string
}

/** Opens some sessions for each user, in the users' objects, and waits until D1 has them. Answers how many. */
export async function openSessions(
  identityStoreId: string,
  userIds: readonly string[],
  each: number,
  { userAgent = 'Test', address = '192.0.2.1' }: Opening = {},
): Promise<number> {
  const first = await findUser(db, { identityStoreId, userId: userIds[0] ?? '' })
  if (!first.ok || first.value === null) throw new Error('no such user')
  const { rules } = first.value
  const open = async (userId: string) => {
    const owner = { identityStoreId, userId }
    for (let count = 0; count < each; count += 1) {
      const client = { address, userAgent }
      const opened = await userObject(owner).open(owner, { ...OPENING, client }, rules)
      if (!opened.ok) throw new Error(opened.error.code)
    }
  }
  await Promise.all(userIds.map(open))
  await Promise.all(userIds.map((userId) => mirrored({ identityStoreId, userId })))
  return userIds.length * each
}

const OPENING = {
  kind: 'web',
  persistent: false,
  credentialsType: 'trusted_back_end',
  location: null,
  actor: null,
  apiClientId: null,
  secretHash: 'f'.repeat(64),
  cookie: false,
  replaces: null,
} as const

/** One live session record of each user, written straight to D1; the users' objects know nothing of it. */
export async function liveRecords(identityStoreId: string, userIds: readonly string[]): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type)
     SELECT ?1, value, 'live', 1, 1, 'web', 0, 0, 0, 'password' FROM json_each(?2)`,
  )
    .bind(identityStoreId, JSON.stringify(userIds))
    .run()
}

/** Session records of one user, written straight to D1; the newest last. Answers the ids. */
export async function manyRecords(
  identityStoreId: string,
  userId: string,
  count: number,
  openedAt: number,
  endedAt: number | null,
): Promise<string[]> {
  const ids: string[] = []
  let previous: string | null = null
  for (let index = 0; index < count; index += 1) {
    previous = nextSessionId(previous, openedAt, crypto.getRandomValues(new Uint8Array(8)))
    ids.push(previous)
  }
  for (let at = 0; at < ids.length; at += 20_000) {
    const part = ids.slice(at, at + 20_000).map((id) => [id, sessionNumber(id)])
    await env.DB.prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, ended_at, end_reason)
       SELECT ?1, ?2, value ->> 0, value ->> 1, 1, 'web', ?3, ?3, 0, 'password', ?4, iif(?4 IS NULL, NULL, 'logout') FROM json_each(?5)`,
    )
      .bind(identityStoreId, userId, openedAt, endedAt, JSON.stringify(part))
      .run()
  }
  return ids
}

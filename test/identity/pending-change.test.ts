/** What an object of profiles has stored: of each older version, and of one that this version cannot read. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { PendingChanges, STEPS } from '../../src/identity/pending-change.ts'
import { storedRequest } from '../../src/identity/stored-profiles.ts'
import { putInfo, sessionFor } from '../api/apio/requests.ts'
import { makeTheirUser, ourProfile, theirProfile, useApplicationServer } from '../support/application-server.ts'
import { fireProfileAlarm, profileAlarm, userProfiles } from '../support/objects.ts'
import { makeUser, type TestUser } from '../support/stores.ts'

useApplicationServer()

async function user(): Promise<TestUser> {
  const made = await makeUser({ loginMode: 'LOCAL_LOGIN_DEDICATED' })
  await makeTheirUser(made)
  return made
}

/** Leaves a user's object as some version would: its tables, and one change that was sent and not finished. */
async function leave(one: TestUser, version: number, changes: string): Promise<void> {
  await runInDurableObject(userProfiles(one), async (_object, { storage }) => {
    const { sql } = storage
    sql.exec('DROP TABLE pending; DROP TABLE schema_version')
    for (const step of version === 0 ? [BEFORE_VERSIONS] : STEPS.slice(0, version)) sql.exec(step)
    if (version > 0) {
      sql.exec('CREATE TABLE schema_version (version INTEGER NOT NULL)')
      sql.exec('INSERT INTO schema_version VALUES (?)', version)
    }
    const { identityStoreId, userId, username } = one
    const key = crypto.randomUUID()
    sql.exec(
      'INSERT INTO pending VALUES (1, ?, ?, ?, ?, ?, ?, 1, 0, NULL)',
      ...[identityStoreId, userId, username, key, changes, 'request'],
    )
    await storage.setAlarm(Date.now() + 60_000)
  })
  await evictDurableObject(userProfiles(one))
}

/** As the object made it before its schema had versions. */
const BEFORE_VERSIONS = `CREATE TABLE pending (
  only INTEGER PRIMARY KEY CHECK (only = 1), identity_store_id TEXT NOT NULL, user_id TEXT NOT NULL,
  username TEXT NOT NULL, idempotency_key TEXT NOT NULL, changes TEXT NOT NULL, request_id TEXT NOT NULL,
  base_version INTEGER, failures INTEGER NOT NULL, refused_at INTEGER)`

describe('a change that an older version left', () => {
  for (let version = 0; version <= STEPS.length; version += 1) {
    test(`of schema ${version} is finished`, async () => {
      const one = await user()
      await leave(one, version, JSON.stringify({ firstName: 'Left' }))
      expect(await fireProfileAlarm(one)).toBe(true)
      expect(await ourProfile(one)).toMatchObject({ first_name: 'Left', last_name: 'User', version: 2 })
      expect(await ourProfile(one)).toEqual(await theirProfile(one))
      const { results } = await env.DB.prepare('SELECT actor FROM audit_events WHERE identity_store_id = ?')
        .bind(one.identityStoreId)
        .all()
      expect(results).toEqual([{ actor: `user:${one.userId}` }])
      await runInDurableObject(userProfiles(one), (_object, { storage }) => {
        expect(storage.sql.exec('SELECT version FROM schema_version').toArray()).toEqual([{ version: STEPS.length }])
        expect(new PendingChanges(storage.sql).find()).toBeNull()
      })
    })
  }
})

test.each(['', '{', '7', '{"firstName":7}', '{"ours":{}}'])('%j is no request', (json) => {
  expect(storedRequest(json)).toBeNull()
})

test('a change that this version cannot read waits for one that can, and is not taken for done', async () => {
  const one = await user()
  await leave(one, STEPS.length, '{"firstName":7}')
  expect(await fireProfileAlarm(one)).toBe(true)
  expect(await profileAlarm(one)).not.toBeNull()
  expect((await putInfo(await sessionFor(one), { last_name: 'Next' })).status).toBe(503)
  await runInDurableObject(userProfiles(one), (_object, { storage }) => {
    storage.sql.exec('UPDATE pending SET changes = ?', JSON.stringify({ firstName: 'Read' }))
  })
  expect(await fireProfileAlarm(one)).toBe(true)
  expect(await ourProfile(one)).toMatchObject({ first_name: 'Read', version: 2 })
  expect(await profileAlarm(one)).toBeNull()
})

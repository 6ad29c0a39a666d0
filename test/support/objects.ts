/** The Durable Objects of a test: how to reach them, fire their alarms and wait for their work. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi } from 'vitest'
import type { UserKey } from '../../src/domain/ids.ts'
import { userObjectName } from '../../src/domain/ids.ts'
import type { EventEndpoint } from '../../src/events/event-endpoint.ts'
import type { UserProfiles } from '../../src/identity/user-profiles.ts'
import type { StoreJobs } from '../../src/sessions/jobs/store-jobs.ts'
import { hasTables } from '../../src/sessions/object/schema.ts'
import type { UserSessions } from '../../src/sessions/object/user-sessions.ts'
import { uncountedStub } from './bindings.ts'

/** The object of a user. Calls through it are not counted and meet no faults. */
export function userObject(user: UserKey): DurableObjectStub<UserSessions> {
  return uncountedStub(env.USERS, userObjectName(user.identityStoreId, user.userId))
}

/** The object that finishes a store's work; as above. */
export function storeJobs(identityStoreId: string): DurableObjectStub<StoreJobs> {
  return uncountedStub(env.JOBS, identityStoreId)
}

/** An object goes out of memory at once, whatever it is doing: who waits for it hears that it is gone. */
export async function abortObject(
  stub: DurableObjectStub<UserSessions | StoreJobs | UserProfiles> | DurableObjectStub,
): Promise<void> {
  await runInDurableObject(stub, (_object, state) => state.abort('it restarts')).catch(() => undefined)
}

type Alarmed = DurableObjectStub<UserSessions | StoreJobs | UserProfiles | EventEndpoint>

/** An object's alarm never comes: it is gone, and so is the object's memory. */
export async function loseAlarm(stub: Alarmed): Promise<void> {
  const lost = async (_object: object, { storage }: DurableObjectState) => {
    await storage.deleteAlarm()
    await storage.sync()
  }
  await runInDurableObject(stub as DurableObjectStub, lost)
  await abortObject(stub as DurableObjectStub<UserSessions>)
}

/** An object's alarm comes twice at the same time. */
export async function fireTwice(stub: Alarmed): Promise<void> {
  const twice = (object: DurableObject) => Promise.all([object.alarm?.(), object.alarm?.()])
  await runInDurableObject(stub as DurableObjectStub, twice)
}

/** Fires a user's alarm now, whenever it was due; false if none was set. */
export function fireUserAlarm(user: UserKey): Promise<boolean> {
  return runDurableObjectAlarm(userObject(user))
}

/** Fires the alarm of a store's jobs; as above. */
export function fireJobAlarm(identityStoreId: string): Promise<boolean> {
  return runDurableObjectAlarm(storeJobs(identityStoreId))
}

/** When a user's alarm is set for, epoch milliseconds; null for none. */
export function userAlarm(user: UserKey): Promise<number | null> {
  return runInDurableObject(userObject(user), (_object, state) => state.storage.getAlarm())
}

/** Resolves once D1 has every session of a user as the object has it. */
export async function mirrored(user: UserKey): Promise<void> {
  await vi.waitFor(() => expectMirrored(user), { timeout: 10_000, interval: 5 })
}

/** The same, where the alarm must do it: fires it until a mirror that hangs has given up. */
export async function mirroredByAlarm(user: UserKey): Promise<void> {
  const attempt = async () => {
    await fireUserAlarm(user)
    await expectMirrored(user)
  }
  await vi.waitFor(attempt, { timeout: 40_000, interval: 50 })
}

async function expectMirrored(user: UserKey): Promise<void> {
  expect(await rowsOf(user, 'SELECT id FROM sessions WHERE version <> mirrored_version')).toEqual([])
}

/** Rows of a user's object; none where nothing was ever written. */
export function rowsOf<Row extends Record<string, SqlStorageValue>>(user: UserKey, query: string): Promise<Row[]> {
  return runInDurableObject(userObject(user), (_object, { storage: { sql } }) =>
    hasTables(sql) ? sql.exec<Row>(query).toArray() : [],
  )
}

/** The object through which a user's profile is changed; as above. */
export function userProfiles(user: UserKey): DurableObjectStub<UserProfiles> {
  return uncountedStub(env.PROFILES, userObjectName(user.identityStoreId, user.userId))
}

/** Fires the alarm of a user's profile changes; false if none was set. */
export function fireProfileAlarm(user: UserKey): Promise<boolean> {
  return runDurableObjectAlarm(userProfiles(user))
}

/** When that alarm is set for, epoch milliseconds; null for none. */
export function profileAlarm(user: UserKey): Promise<number | null> {
  return runInDurableObject(userProfiles(user), (_object, state) => state.storage.getAlarm())
}

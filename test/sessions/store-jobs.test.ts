/** What keeps a store's durable work going: rollbacks, older objects, jobs that cannot be done. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import type { StoreJobs } from '../../src/sessions/jobs/store-jobs.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { fireJobAlarm, storeJobs } from '../support/objects.ts'
import { makeStore } from '../support/stores.ts'

const RESET = {
  kind: 'reset_users',
  userIds: [],
  done: 0,
  acceptedAt: 0,
  clients: null,
  by: { caller: null, requestId: null },
}

/** Writes a job as another version of the service might have. */
function writeJob(storeId: string, id: string, job: string, dueAt: number): Promise<void> {
  return runInDurableObject(storeJobs(storeId), async (_object: StoreJobs, { storage }) => {
    storage.sql.exec('INSERT INTO owner (only, identity_store_id) VALUES (1, ?) ON CONFLICT DO NOTHING', storeId)
    storage.sql.exec(
      'INSERT INTO jobs (id, job, revision, open_changes, created_at, due_at, failures) VALUES (?, ?, 1, 0, ?, ?, 0)',
      id,
      job,
      dueAt,
      dueAt,
    )
    await storage.setAlarm(dueAt)
  })
}

describe('a job of a kind that this version does not know', () => {
  test('waits, holds up no other job, and is logged', async () => {
    const id = await makeStore()
    const now = stopClock()
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await writeJob(id, 'a:1', JSON.stringify({ kind: 'weave_baskets', baskets: 7 }), now - 2)
    await writeJob(id, 'b:1', JSON.stringify(RESET), now - 1)
    await fireJobAlarm(id)
    expect(await storeJobs(id).list()).toMatchObject([{ id: 'a:1', kind: 'weave_baskets', job: null, progress: null }])
    expect(logged).toHaveBeenCalledWith('job of an unknown kind waits', { id: 'a:1', kind: 'weave_baskets' })
  })

  test('is done by a version that knows it', async () => {
    const id = await makeStore()
    const now = stopClock()
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await writeJob(id, 'a:1', '{"kind":"weave_baskets"}', now)
    await fireJobAlarm(id)
    await runInDurableObject(storeJobs(id), (_object, { storage }) => {
      storage.sql.exec('UPDATE jobs SET job = ?', JSON.stringify(RESET))
    })
    advanceClock(600)
    await fireJobAlarm(id)
    expect(await storeJobs(id).list()).toEqual([])
  })

  test.each([
    ['no JSON', 'reset_users'],
    ['no object', '[]'],
    ['a known kind in another form', JSON.stringify({ ...RESET, userIds: 'U0000000001' })],
  ])('also where it is %s', async (_what, job) => {
    const id = await makeStore()
    const now = stopClock()
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await writeJob(id, 'a:1', job, now - 2)
    await writeJob(id, 'b:1', JSON.stringify(RESET), now - 1)
    await fireJobAlarm(id)
    expect((await storeJobs(id).list()).map((one) => one.id)).toEqual(['a:1'])
  })
})

test('an object of before the schema had versions wakes with its jobs, and does them', async () => {
  const id = await makeStore()
  const now = stopClock()
  await writeJob(id, 'b:1', JSON.stringify(RESET), now)
  await runInDurableObject(storeJobs(id), (_object, { storage }) => {
    storage.sql.exec('DROP TABLE schema_version')
  })
  await evictDurableObject(storeJobs(id))
  expect(await storeJobs(id).list()).toMatchObject([{ id: 'b:1', kind: 'reset_users' }])
  await fireJobAlarm(id)
  expect(await storeJobs(id).list()).toEqual([])
})

/** What keeps a store's durable work going: rollbacks, older objects, jobs that cannot be done. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import type { NamedJob } from '../../src/sessions/jobs/job-status.ts'
import type { StoreJobs } from '../../src/sessions/jobs/store-jobs.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1 } from '../support/faults.ts'
import { fireJobAlarm, mirrored, storeJobs } from '../support/objects.ts'
import { makeStore } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

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
    expect(logged).toHaveBeenCalledWith({
      event: 'job.unknown',
      outcome: 'tried_again',
      object: expect.stringMatching(/^[0-9a-f]{64}$/),
      job: 'a:1',
      kind: 'weave_baskets',
    })
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

test.each(['tell_users', 'apply_settings'])(
  'a job of the kind %s, which a version before wrote, is done',
  async (kind) => {
    stopClock()
    const user = await newUser()
    const session = await user.open()
    await mirrored(user)
    await user.setActiveInD1(false)
    await writeJob(user.identityStoreId, 'a:1', JSON.stringify({ kind, userIds: [user.userId] }), Date.now())
    await fireJobAlarm(user.identityStoreId)
    expect(await user.reasons([session])).toEqual(['user_disabled'])
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
  },
)

describe('a confirmed job that goes through the whole store', () => {
  const sweep = (id: string): NamedJob => ({ id: `sweep_sessions:${id}`, job: { kind: 'sweep_sessions' } })

  test('replaces older ones of its kind, but none whose change may still land, and no other kind', async () => {
    const id = await makeStore()
    const failing = breakD1()
    const clear: NamedJob = { id: 'clear_locations:1', job: { kind: 'clear_locations' } }
    await storeJobs(id).prepare(id, [sweep('1'), sweep('2'), sweep('3'), clear])
    await storeJobs(id).confirm([sweep('1').id, clear.id])
    await storeJobs(id).confirm([sweep('3').id])
    failing.repair()
    const left = (await storeJobs(id).list()).map((job) => job.id)
    expect(left.sort()).toEqual(['clear_locations:1', 'sweep_sessions:2', 'sweep_sessions:3'])
  })
})

test('a change that is confirmed while its job looks by itself is looked at again', async () => {
  stopClock()
  const user = await newUser()
  const session = await user.open()
  await mirrored(user)
  const { identityStoreId: id, userId } = user
  const job: NamedJob = { id: 'apply_rules:1', job: { kind: 'apply_rules', userIds: [userId], signedInOnly: true } }
  await storeJobs(id).prepare(id, [job])
  let confirmed: Promise<unknown> | undefined
  const leave = intercept(async (call, goOn) => {
    const answer = await goOn()
    if (call.to !== 'D1' || confirmed !== undefined) return answer
    leave()
    // The look has read what was before; then the change lands.
    await user.setActiveInD1(false)
    confirmed = storeJobs(id).confirm([job.id])
    return answer
  })
  advanceClock(11)
  await fireJobAlarm(id)
  await confirmed
  expect(await user.reasons([session])).toEqual(['user_disabled'])
  expect(await storeJobs(id).list()).toEqual([])
})

test('an object of before the schema had versions wakes with its jobs, and does them', async () => {
  const id = await makeStore()
  const now = stopClock()
  await writeJob(id, 'b:1', JSON.stringify(RESET), now)
  await runInDurableObject(storeJobs(id), (_object, { storage }) => {
    storage.sql.exec(
      'DROP TABLE schema_version; DROP TABLE end_parts; DROP TABLE endpoints; DROP TABLE seen_tokens; ALTER TABLE jobs DROP COLUMN confirmed',
    )
  })
  await evictDurableObject(storeJobs(id))
  expect(await storeJobs(id).list()).toMatchObject([{ id: 'b:1', kind: 'reset_users' }])
  await fireJobAlarm(id)
  expect(await storeJobs(id).list()).toEqual([])
})

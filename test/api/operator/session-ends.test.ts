/** Ends of all that fit a filter, while sessions are opened. */
import { expect, test } from 'vitest'
import { intercept } from '../../support/bindings.ts'
import { fireJobAlarm, mirrored } from '../../support/objects.ts'
import { send } from '../../support/requests.ts'
import { makeBearer, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { operate } from './operator.ts'

const USERS = 10
const EXPECTED = 20
const ROUNDS = 8
const MEANWHILE = 20

async function setUp() {
  const identityStoreId = await makeStore()
  const store = `/identity-stores/${identityStoreId}`
  const bearer = await makeBearer(identityStoreId, ['sessions:open'])
  const operator = await makeOperator()
  const users = await Promise.all(Array.from({ length: USERS }, () => makeUser({ identityStoreId })))
  let opened = 0
  /** Opens so many at once; answers their ids. */
  const open = (count: number) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const { userId, address } = users[opened++ % USERS] as (typeof users)[number]
        const json = { user_id: userId, client: { address, user_agent: 'Phone' } }
        const answer = await send('/sessions', { bearer, json })
        expect(answer.status).toBe(201)
        return ((await answer.json()) as { id: string }).id
      }),
    )
  const allMirrored = () => Promise.all(users.map(mirrored))
  const end = (expected: number) =>
    operate(`${store}/sessions/end`, { bearer: operator, json: { filter: {}, expected } })
  /** Runs a job to its end; answers which sessions it has ended. */
  const ended = async (jobId: string): Promise<string[]> => {
    const path = `${store}/jobs/${jobId}`
    for (let step = 0; step < 50; step += 1) {
      if ((await operate(path, { bearer: operator })).body.state === 'done') {
        const { results } = (await operate(`${path}/results?limit=1000`, { bearer: operator })).body
        expect(results.filter(({ outcome }: { outcome: string }) => outcome !== 'ended')).toEqual([])
        return results.map(({ session_id: id }: { session_id: string }) => id).toSorted()
      }
      await fireJobAlarm(identityStoreId)
    }
    throw new Error('it does not end')
  }
  /** All that live, as the users' objects have them. */
  const live = async (): Promise<string[]> => {
    const lists = users.map(({ userId }) => operate(`${store}/users/${userId}/sessions`, { bearer: operator }))
    const found = (await Promise.all(lists)).flatMap(({ body }) => body.sessions)
    return found.map(({ session_id: id }: { session_id: string }) => id).toSorted()
  }
  return { open, allMirrored, end, ended, live }
}

test('what is opened once it is decided who is to end stays, however late the job is taken on', async () => {
  const { open, allMirrored, end, ended, live } = await setUp()
  const seen = await open(EXPECTED)
  await allMirrored()
  const meanwhile: string[] = []
  const leave = intercept(async (call, goOn) => {
    if (call.to === 'JOBS' && meanwhile.length === 0) {
      meanwhile.push(...(await open(MEANWHILE)))
      await allMirrored()
    }
    return goOn()
  })
  const accepted = await end(EXPECTED)
  leave()
  expect(accepted).toMatchObject({ status: 202 })
  expect(await ended(accepted.body.job_id)).toEqual(seen.toSorted())
  expect(meanwhile).toHaveLength(MEANWHILE)
  expect(await live()).toEqual(meanwhile.toSorted())
})

test('while sessions are opened either nothing ends, or what was there and at most a tenth more', async () => {
  const { open, allMirrored, end, ended, live } = await setUp()
  const outcomes = new Set<number>()
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await live()
    const seen = [...before, ...(await open(Math.max(0, EXPECTED - before.length)))].toSorted()
    await allMirrored()
    // Of those that come meanwhile some are there when it is counted.
    const early = await open([0, 1, 2, 4][round % 4] ?? 0)
    const [answer, meanwhile] = await Promise.all([end(seen.length), open(MEANWHILE - early.length)])
    const later = await open(2)
    outcomes.add(answer.status)
    const mayEnd = [...seen, ...early, ...meanwhile]
    if (answer.status === 409) {
      expect(answer.body.code).toBe('more_than_expected')
      expect(answer.body.count).toBeGreaterThan(seen.length * 1.1)
      expect(answer.body.count).toBeLessThanOrEqual(mayEnd.length)
      expect(await live()).toEqual([...mayEnd, ...later].toSorted())
      // So that the next round starts from few.
      await allMirrored()
      await ended((await end(mayEnd.length + later.length)).body.job_id)
      continue
    }
    expect(answer.status, answer.text).toBe(202)
    const gone = await ended(answer.body.job_id)
    expect(gone.length).toBeLessThanOrEqual(seen.length * 1.1)
    expect(gone).toEqual(expect.arrayContaining(seen))
    expect(mayEnd).toEqual(expect.arrayContaining(gone))
    expect(await live()).toEqual([...mayEnd, ...later].filter((id) => !gone.includes(id)).toSorted())
  }
  expect([...outcomes].toSorted()).toEqual([202, 409])
})

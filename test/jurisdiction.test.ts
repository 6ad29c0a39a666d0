/**
 * Where objects may be. workerd alone has no jurisdictions, so what stands in for a namespace notes for which it was asked.
 */
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { settingsOfObject } from '../src/object-settings.ts'
import { put } from './api/operator/operator.ts'
import { intercept } from './support/bindings.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { breakD1 } from './support/faults.ts'
import { makeReceiver, receiveEvents } from './support/receivers.ts'
import { send, signIn } from './support/requests.ts'
import { makeOperator, makeStore, makeUser } from './support/stores.ts'
import { workerWith } from './support/variants.ts'

const KINDS = ['USERS', 'JOBS', 'PROFILES', 'HASHERS', 'ENDPOINTS', 'APPLICATION_SERVER_CALLS'] as const

/** A deployment in a jurisdiction, and for which kinds of objects it was asked for. */
function deployedIn(jurisdiction: string) {
  const asked: string[] = []
  const standIns = KINDS.map((kind) => [
    kind,
    {
      jurisdiction: (name: string) => {
        asked.push(`${kind} ${name}`)
        return env[kind]
      },
    },
  ])
  const worker = workerWith({ ...(jurisdiction !== '' && Object.fromEntries(standIns)), JURISDICTION: jurisdiction })
  return { ...worker, asked }
}

async function fact(value: string | null): Promise<void> {
  await env.DB.prepare("DELETE FROM deployment_facts WHERE name = 'jurisdiction'").run()
  if (value === null) return
  await env.DB.prepare("INSERT INTO deployment_facts (name, value) VALUES ('jurisdiction', ?)").bind(value).run()
}

beforeEach(() => fact(null))
afterEach(() => fact(null))

test('every kind of object is asked for in the jurisdiction, and it is written down', async () => {
  const user = await makeUser()
  const { send, asked } = deployedIn('eu')
  const { username, password, address } = user
  expect((await send('/sessions', { address, json: { username, password, transport: 'bearer' } })).status).toBe(201)
  expect(asked.toSorted()).toEqual(KINDS.map((kind) => `${kind} eu`).toSorted())
  expect(await env.DB.prepare("SELECT value FROM deployment_facts WHERE name = 'jurisdiction'").first('value')).toBe(
    'eu',
  )
})

test.each([
  ['us', 'eu'],
  ['', 'eu'],
  ['eu', ''],
])('a deployment in %j with a database of %j answers 503 everywhere, and asks no object', async (ours, theirs) => {
  const user = await makeUser()
  const { token } = await signIn(user)
  const bearer = await makeOperator()
  await fact(theirs)
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const worker = deployedIn(ours)
  const { username, password, address } = user
  const requests = [
    ['/sessions', { address, json: { username, password } }],
    ['/operator/identity-stores', { bearer }],
    ['/healthz', {}],
    // Once it is known, the check too.
    ['/sessions/current', { bearer: token }],
  ] as const
  for (const [path, options] of requests) {
    const response = await worker.send(path, options)
    expect([path, response.status, await response.json()]).toMatchObject([
      path,
      503,
      { code: 'not_configured', detail: expect.stringMatching(/^JURISDICTION is .*, and was .*Set it back/) },
    ])
  }
  expect(logged).toHaveBeenCalledWith(
    expect.objectContaining({
      event: 'deployment.other_jurisdiction',
      elsewhere: theirs,
      requestId: expect.any(String),
    }),
  )
})

test.each(['* * * * *', '0 * * * *'])('nor does its work by time (%s)', async (cron) => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  receiveEvents()
  const store = `/identity-stores/${await makeStore()}`
  await put(`${store}/events`, { enabled: true })
  await makeReceiver(store)
  // In the jurisdiction there is work for both; in none the same objects are new and empty.
  for (const [theirs, isDone] of [
    ['eu', false],
    ['', true],
  ] as const) {
    await fact(theirs)
    const called = new Set<string>()
    const leave = intercept(async (call, goOn) => {
      if (call.to !== 'D1') called.add(call.to)
      return goOn()
    })
    await deployedIn('').runCron(cron)
    leave()
    expect(called.size > 0, `with objects in ${JSON.stringify(theirs)}`).toBe(isDone)
  }
  expect(logged).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ event: 'deployment.other_jurisdiction', elsewhere: 'eu', work: 'housekeeping' }),
  )
})

test('an object of another jurisdiction than the deployment has been told does not begin', () => {
  const inJurisdiction = (jurisdiction?: string) => ({ id: { jurisdiction } as DurableObjectId })
  const begin = (theirs: string | undefined, ours: string) => () =>
    settingsOfObject(inJurisdiction(theirs), { ...env, JURISDICTION: ours })
  for (const [theirs, ours] of [
    ['eu', ''],
    ['eu', 'us'],
  ] as const)
    expect(begin(theirs, ours)).toThrow(/^not configured: JURISDICTION is .*, and this object is in eu$/)
  // A runtime without jurisdictions says none, wherever it is.
  for (const theirs of ['eu', undefined]) expect(begin(theirs, 'eu')).not.toThrow()
})

test('without D1 what is known stays, and what is not known is asked again in five seconds', async () => {
  const { token } = await signIn(await makeUser())
  await fact('us')
  stopClock()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const worker = deployedIn('')
  const outage = breakD1()
  const check = async () => (await worker.send('/sessions/current', { bearer: token })).status
  await worker.send('/operator/identity-stores', { bearer: await Promise.resolve('lk_nobody') })
  expect(await check()).toBe(200)
  outage.repair()
  advanceClock(5)
  await worker.send('/healthz')
  expect(await check()).toBe(503)
})

test('a deployment in none runs as ever', async () => {
  expect((await send('/healthz')).status).toBe(200)
  await fact('')
  expect((await deployedIn('').send('/healthz')).status).toBe(200)
})

/** Which spans of our own there are: those that docs/operating.md names, and none on the way of a check. */
import { createScheduledController } from 'cloudflare:test'
import { env, tracing } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import operating from '../docs/operating.md?raw'
import worker from '../src/index.ts'
import wrangler from '../wrangler.toml?raw'
import { patch } from './api/operator/operator.ts'
import { fireJobAlarm, mirrored } from './support/objects.ts'
import { arrived, makeReceiver, receiveEvents } from './support/receivers.ts'
import { check, signIn } from './support/requests.ts'
import { makeStore, makeUser } from './support/stores.ts'

test('each kind of work that is documented is in a span, and a check in none', async () => {
  receiveEvents()
  const passOn = tracing.enterSpan.bind(tracing)
  const attributes = new Map<string, string[]>()
  const enter = vi.spyOn(tracing, 'enterSpan').mockImplementation(((name: string, work: (span: object) => unknown) =>
    /^d1_/.test(name)
      ? passOn(name, work)
      : work({
          isTraced: true,
          setAttribute: (key: string) => attributes.set(name, [...(attributes.get(name) ?? []), key]),
        })) as typeof tracing.enterSpan)
  // The platform enters its own of D1 by the same way.
  const entered = () => enter.mock.calls.map(([name]) => name).filter((name) => !/^d1_/.test(name))
  const identityStoreId = await makeStore()
  const store = `/identity-stores/${identityStoreId}`
  const user = await makeUser({ identityStoreId })
  const session = await signIn(user)
  await mirrored(user)
  const before = entered()
  for (const headers of [{}, { 'cache-control': 'max-age=5' }]) {
    expect((await check(session, { headers })).status).toBe(200)
  }
  expect(entered()).toEqual(before)

  const receiver = await makeReceiver(store, { types: ['session_config.changed'] })
  await patch(`${store}/session-config`, { overall_timeout_seconds: 3_600 })
  await fireJobAlarm(identityStoreId)
  await arrived(receiver, 1)
  await worker.scheduled(createScheduledController(), env)
  const [, all = '', ofStores = ''] = /and five of ours: (.*?)\. (.*?)\s+say of which store/s.exec(operating) ?? []
  const namesIn = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()
  expect([...new Set(entered())].sort()).toEqual(namesIn(all))
  expect([...attributes.keys()].sort()).toEqual(namesIn(ofStores))
  for (const keys of attributes.values()) {
    expect(keys).toContain('latchkey.store')
    expect(new Set(keys).size).toBeGreaterThan(1)
  }
})

test('traces are on where it is deployed', () => {
  expect(wrangler).toMatch(/^\[observability\.traces\]\nenabled = true$/m)
})

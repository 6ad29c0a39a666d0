/** The hashers: how many there are, who is heard first, and what a flood does to whom. */
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HashingLine } from '../../src/identity/hashing-line.ts'
import { PasswordHashers } from '../../src/identity/password-hashers.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { check, send, signIn as signInAs } from '../support/requests.ts'
import { freshAddress, makeBearer, makeOperator, makeUser, type TestUser } from '../support/stores.ts'

afterEach(() => vi.restoreAllMocks())

const signIn = (user: TestUser, address = user.address, password = user.password) =>
  send('/sessions', { address, json: { username: user.username, password, transport: 'bearer' } })

const CLIENT = { address: '192.0.2.7', user_agent: 'Device/1.0' }
const FULL_COST = { ln: 14, r: 8, p: 5 }

describe('the hashers', () => {
  test('are 64 and no more, whatever names are tried', async () => {
    const names = new Set<string>()
    const objects = {
      idFromName: (name: string) => names.add(name),
      get: () => ({ hear: async () => ({ ok: false, error: { code: 'invalid_credentials' } }) }),
    }
    const hashers = new PasswordHashers(objects as never, FULL_COST)
    for (let time = 0; time < 2_000; time += 1) {
      await hashers.hear({ username: `nobody-${time}`, password: 'x', address: null, device: null }, {} as never)
    }
    expect(names.size).toBe(64)
  })

  test('are chosen by the user name, however it is typed', async () => {
    const names = vi.spyOn(env.HASHERS, 'idFromName')
    const user = await makeUser()
    for (const username of [user.username, ` ${user.username.toUpperCase()}`]) await signIn({ ...user, username })
    expect(names).toHaveBeenCalledTimes(2)
    expect(new Set(names.mock.calls.map(([name]) => name)).size).toBe(1)
  })

  test('hash what operators set before all others', async () => {
    const user = await makeUser()
    const turns = vi.spyOn(HashingLine.prototype, 'take')
    const options = { bearer: await makeOperator(), json: { password: 'a wholly different one' }, method: 'PATCH' }
    const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
    expect((await send(path, options)).status).toBe(200)
    expect(turns.mock.calls.map(([{ priority }]) => priority)).toEqual(['operator'])
  })
})

describe('a flood of strangers', () => {
  const KNOWN = 10
  const STRANGERS = 120

  /**
   * Signs in ten users again while strangers try, all at once; a turn takes 160 ms by the clock, so that all of them
   * would be 20 s in the line. Beside them a session is checked, a back end opens one, and an operator sets a password.
   * Answers the statuses of all.
   */
  async function flood(addressOf: (index: number) => string) {
    stopClock()
    const users = await Promise.all(Array.from({ length: KNOWN }, () => makeUser()))
    for (const user of users) expect((await signIn(user)).status).toBe(201)
    const [other, operator] = [await makeUser(), await makeOperator()]
    const session = await signInAs(other)
    const { identityStoreId, userId } = await makeUser({ identityStoreId: other.identityStoreId })
    const backEnd = await makeBearer(identityStoreId, ['sessions:open'])
    const { take } = HashingLine.prototype
    vi.spyOn(HashingLine.prototype, 'take').mockImplementation(function (this: HashingLine, ...[asker, , ms, hash]) {
      const slow = () => {
        advanceClock(0.16)
        return hash()
      }
      return take.call(this, asker, FULL_COST, ms, slow) as never
    })
    const guess = (index: number) => ({ ...users[0], username: `nobody-${index}@pie.example` }) as TestUser
    const strangers = Array.from({ length: STRANGERS }, (_, at) => signIn(guess(at % 40), addressOf(at), 'guess'))
    const known = users.map((user) => signIn(user))
    const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
    const beside = [
      check(session),
      send('/sessions', { bearer: backEnd, json: { user_id: other.userId, client: CLIENT } }),
      send(path, { method: 'PATCH', bearer: operator, json: { password: 'a wholly different one' } }),
    ]
    const statuses = async (answers: readonly Promise<Response>[]) =>
      (await Promise.all(answers)).map(({ status }) => status)
    return { known: await statuses(known), strangers: await statuses(strangers), beside: await statuses(beside) }
  }

  test.each([
    ['one /64', (index: number) => `2001:db8:f100:d::${index.toString(16)}`],
    ['a thousand', () => freshAddress()],
  ])('from %s stops none of ten who have signed in before, and nobody else', async (_where, addressOf) => {
    const { known, strangers, beside } = await flood(addressOf)
    expect(known).toEqual(Array(KNOWN).fill(201))
    expect(new Set(strangers)).toEqual(new Set([401, 503]))
    expect(beside).toEqual([200, 201, 200])
  })
})

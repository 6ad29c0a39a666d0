import { describe, expect, test } from 'vitest'
import { countCalls } from '../../support/counts.ts'
import { send } from '../../support/requests.ts'
import { makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { auditEvents, operate, remove } from './operator.ts'

/** scrypt of `imported password`, at no cost. */
const HASH = '$scrypt$ln=1,r=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$hJJSOqf/oe0+sy/rDZmS2+SNUk2Nl46Vqnu1/6pMbjY'

function importInto(identityStoreId: string, users: readonly unknown[]) {
  return operate(`/identity-stores/${identityStoreId}/users`, { json: { users } })
}

describe('many users at once', () => {
  test('each have a result of their own, in the order of the request', async () => {
    const there = await makeUser()
    const elsewhere = await makeUser()
    const gone = await makeUser({ identityStoreId: there.identityStoreId })
    const { identityStoreId } = there
    await remove(`/identity-stores/${identityStoreId}/users/${gone.userId}`)
    const before = (await auditEvents(identityStoreId)).length
    const answer = await importInto(identityStoreId, [
      { user_id: 'new-1', username: `One@${identityStoreId}`, password_hash: HASH, bot: true, user_level: 4 },
      { user_id: there.userId, username: `two@${identityStoreId}` },
      { user_id: 'new-2', username: elsewhere.username.toUpperCase() },
      { user_id: gone.userId, username: `three@${identityStoreId}` },
      { user_id: 'new-3', username: 'no domain', password: 'a plain password' },
      { user_id: 'new-1', username: `four@${identityStoreId}` },
      { user_id: 'new-4', username: `ONE@${identityStoreId}` },
      'nonsense',
      { user_id: 'new-5', username: `five@${identityStoreId}`, active: false },
    ])
    expect(answer.status).toBe(200)
    expect(answer.body.results).toMatchObject([
      { user_id: 'new-1', status: 201, code: 'created' },
      { user_id: there.userId, status: 409, detail: expect.stringMatching(/^user_id/) },
      { user_id: 'new-2', status: 409, detail: expect.stringMatching(/^username/) },
      { user_id: gone.userId, status: 409, detail: expect.stringMatching(/^user_id/) },
      {
        user_id: 'new-3',
        status: 400,
        errors: [
          { field: 'username', code: 'invalid' },
          { field: 'password', code: 'unknown' },
        ],
      },
      { user_id: 'new-1', status: 409, detail: expect.stringMatching(/^user_id/) },
      { user_id: 'new-4', status: 409, detail: expect.stringMatching(/^username/) },
      { user_id: null, status: 400 },
      { user_id: 'new-5', status: 201 },
    ])
    const path = `/identity-stores/${identityStoreId}/users`
    expect((await operate(`${path}/new-1`)).body).toMatchObject({
      username: `one@${identityStoreId}`,
      bot: true,
      active: true,
      user_level: 4,
      role: 'member',
      has_password: true,
    })
    expect((await operate(`${path}/new-5`)).body).toMatchObject({ active: false, has_password: false })
    for (const userId of ['new-2', 'new-3', 'new-4']) expect((await operate(`${path}/${userId}`)).status).toBe(404)
    expect((await operate(`${path}/${there.userId}`)).body.username).toBe(there.username)

    const events = await auditEvents(identityStoreId)
    expect(events.slice(0, events.length - before)).toMatchObject([
      { action: 'user.created', subject: 'user:new-5', before: null, after: { active: false, has_password: false } },
      {
        action: 'user.created',
        subject: 'user:new-1',
        before: null,
        after: { username: `one@${identityStoreId}`, bot: true, active: true, user_level: 4, has_password: true },
      },
    ])
    expect(answer.text + JSON.stringify(events)).not.toContain('$scrypt')
  })

  test('sign in with the password of their hash', async () => {
    const identityStoreId = await makeStore()
    const answer = await importInto(identityStoreId, [
      { user_id: 'imported', username: `imported@${identityStoreId}`, password_hash: HASH },
    ])
    expect(answer.body.results).toMatchObject([{ status: 201 }])
    const json = { username: `imported@${identityStoreId}`, password: 'imported password', transport: 'bearer' }
    expect((await send('/sessions', { json })).status).toBe(201)
    expect((await send('/sessions', { json: { ...json, password: 'another' } })).status).toBe(401)
  })

  test('cost as many statements as one', async () => {
    const identityStoreId = await makeStore()
    const bearer = await makeOperator()
    const statements = async (count: number, name: string) => {
      const users = Array.from({ length: count }, (_, index) => ({
        user_id: `${name}-${index}`,
        username: `${name}-${index}@${identityStoreId}`,
        first_name: 'Ada',
        last_name: 'Lovelace',
        email_address: `${name}-${index}@pie.example`,
        password_hash: HASH,
      }))
      const counts = countCalls()
      const answer = await operate(`/identity-stores/${identityStoreId}/users`, { bearer, json: { users } })
      expect(answer.body.results.filter(({ status }: { status: number }) => status === 201)).toHaveLength(count)
      expect(counts).toMatchObject({ objectCalls: 0, jobCalls: 0 })
      return counts.d1Statements
    }
    const one = await statements(1, 'one')
    expect(await statements(1_000, 'many')).toBe(one)
    const { body } = await operate(`/identity-stores/${identityStoreId}/audit-events?limit=1000`)
    expect(body.audit_events).toHaveLength(1_000)
    expect(body.next_cursor).not.toBeNull()
  })

  test('are refused as a whole if they are none, too many or too large, or the store is not there', async () => {
    const identityStoreId = await makeStore()
    const user = (index: number) => ({ user_id: `u${index}`, username: `u${index}@${identityStoreId}` })
    expect((await importInto(identityStoreId, [])).status).toBe(400)
    expect(
      (
        await importInto(
          identityStoreId,
          Array.from({ length: 1_001 }, (_, index) => user(index)),
        )
      ).status,
    ).toBe(400)
    expect((await importInto(identityStoreId, ['x'.repeat(2_100_000)])).status).toBe(413)
    expect((await importInto('nowhere', [user(1)])).status).toBe(404)
    expect((await importInto('nowhere', ['nonsense'])).status).toBe(404)
    expect(await auditEvents(identityStoreId)).toEqual([])
    expect((await operate('/identity-stores/nowhere/audit-events')).status).toBe(404)
    expect((await operate(`/identity-stores/${identityStoreId}/users`)).body.users).toEqual([])
  })
})

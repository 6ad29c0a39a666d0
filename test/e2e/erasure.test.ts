/** What a local server has in its files of a user who was deleted: in every table, and byte for byte. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeAlarmsDue, queryDatabaseWith } from './support/local-database.ts'
import { serve } from './support/served.ts'
import { copyOf, found } from './support/stored-bytes.ts'

const TRACES = ['Zäphod-E', 'Beeblebrox-E', 'zaphod-e@gold.example', '198.51.100.77', 'laptop-E', 'Vogon-E/42']

test('no file holds anything of a deleted user, but its object, which is emptied an hour later to the last byte', async () => {
  const server = await serve()
  const copies: string[] = []
  try {
    const { base_url: url, identity_store_id: id, operator_token: operator } = server.credentials
    const store = `/operator/identity-stores/${id}`
    const call = async (method: string, path: string, json: object | null, headers: Record<string, string> = {}) => {
      const body = json === null ? {} : { body: JSON.stringify(json) }
      const all = { authorization: `Bearer ${operator}`, 'content-type': 'application/json', ...headers }
      const answer = await fetch(`${url}${path}`, { method, headers: all, ...body })
      expect(answer.ok, `${method} ${path} answered ${answer.status}`).toBe(true)
      return answer
    }
    const user = { username: 'zaphod-e@gold.example', password: 'trillian loves mice' }
    await call('PUT', `${store}/events`, { enabled: true })
    const names = { first_name: 'Zäphod-E', last_name: 'Beeblebrox-E', email_address: user.username }
    await call('PUT', `${store}/users/zaphod`, { ...user, ...names })
    await call('POST', `${store}/credentials`, {
      kind: 'bearer',
      name: 'laptop-E',
      scopes: ['sessions:introspect'],
      owner_user_id: 'zaphod',
      address_allow_list: ['198.51.100.77'],
    })
    await call('POST', '/sessions', user, { authorization: '', 'user-agent': 'Vogon-E/42' })
    const records = "SELECT user_agent FROM sessions WHERE user_id = 'zaphod'"
    await expect.poll(() => queryDatabaseWith('sessions', server.persistTo, records)).toHaveLength(1)
    copies.push(copyOf(server.persistTo))
    const before = found(copies[0] ?? '', TRACES)
    for (const trace of TRACES) expect(before.join('\n')).toContain(trace)

    await call('DELETE', `${store}/users/zaphod`, null)
    await server.kill()
    copies.push(copyOf(server.persistTo))
    const after = found(copies[1] ?? '', TRACES)
    expect(after.filter((one) => !one.includes('UserSessions'))).toEqual([])
    expect(existsSync(join(copies[1] ?? '', 'd1'))).toBe(true)

    const inObjects = () => found(join(server.persistTo, 'v3/do'), TRACES, { freed: true })
    expect(inObjects()).not.toEqual([])
    makeAlarmsDue(server.persistTo, 'UserSessions')
    await server.restart()
    await expect.poll(inObjects).toEqual([])
  } finally {
    await server.stop().catch(() => undefined)
    for (const copy of copies) rmSync(copy, { recursive: true, force: true })
  }
})

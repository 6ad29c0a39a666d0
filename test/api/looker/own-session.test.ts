import { evictDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { userObject } from '../../support/objects.ts'
import { accessToken, logIn, looker } from './support.ts'

describe('the API session', () => {
  test('begins in production, and its workspace is its own', async () => {
    const one = await logIn()
    const other = await accessToken(one)
    const body = { can: { view: true, update: true }, workspace_id: 'production', sudo_user_id: null }
    expect(await looker('GET', '/session', one.token)).toMatchObject({ status: 200, body })
    const changed = await looker('PATCH', '/session', one.token, { json: { workspace_id: 'dev' } })
    expect(changed).toMatchObject({ status: 200, body: { ...body, workspace_id: 'dev' } })
    expect((await looker('GET', '/session', one.token)).body.workspace_id).toBe('dev')
    expect((await looker('GET', '/session', other)).body.workspace_id).toBe('production')
    await evictDurableObject(userObject(one.user))
    expect((await looker('GET', '/session', one.token)).body.workspace_id).toBe('dev')
    await looker('PATCH', '/session', one.token, { json: { workspace_id: 'production' } })
    expect((await looker('GET', '/session', one.token)).body.workspace_id).toBe('production')
  })

  test('is changed by nothing, and by no read-only field', async () => {
    const { token } = await logIn()
    for (const json of [{}, { sudo_user_id: 'someone', can: {} }]) {
      const answer = await looker('PATCH', '/session', token, { json })
      expect(answer).toMatchObject({ status: 200, body: { workspace_id: 'production', sudo_user_id: null } })
    }
  })

  test('takes no other workspace', async () => {
    const { token } = await logIn()
    for (const workspace_id of ['', 'staging', null, 1, ['dev']]) {
      const answer = await looker('PATCH', '/session', token, { json: { workspace_id } })
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: 'workspace_id', code: 'invalid' }] } })
    }
    expect((await looker('PATCH', '/session', token, { body: 'x' })).status).toBe(400)
  })
})

describe('the user of the API session', () => {
  test('is shown with fields', async () => {
    const { token, user } = await logIn('member')
    const { body } = await looker('GET', '/user', token)
    expect(body).toEqual({
      can: { show: true },
      id: user.userId,
      first_name: 'Test',
      last_name: 'User',
      display_name: 'Test User',
      email: user.username,
      is_disabled: false,
      url: `http://127.0.0.1:8787/api/4.0/users/${user.userId}`,
    })
    const some = await looker('GET', '/user?fields=id%2Cemail', token)
    expect(some.body).toEqual({ id: user.userId, email: user.username })
  })
})

/** How methods are called: encodings, tokens, headers, and every refusal that comes before a method's own. */

import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newBearer } from '../../../src/auth/credentials.ts'
import { intercept } from '../../support/bindings.ts'
import { breakD1 } from '../../support/faults.ts'
import { send, signIn } from '../../support/requests.ts'
import { makeBearer, makeOperator } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'
import { call, makeTeam, SCOPES } from './slack.ts'

const FORM = 'application/x-www-form-urlencoded'

/** The error of a call with a body of some type. */
async function errorOf(token: string, type: string | null, body: BodyInit, method = 'session.getSettings') {
  const headers: Record<string, string> = type === null ? {} : { 'content-type': type }
  const { status, body: answer } = await call(method, { bearer: token, headers, body })
  expect(status).toBe(200)
  return answer.ok ? 'ok' : answer.error
}

describe('encodings', () => {
  test('lists, booleans and numbers come in every form that clients send', async () => {
    const team = await makeTeam()
    const [one, two] = [team.owner.userId, (await team.user()).userId]
    const both = { session_settings: [], no_settings_applied: [one, two] }
    const forms = [`["${one}","${two}"]`, `${one},${two}`, `['${one}','${two}']`, ` ${one} , ${two} `]
    for (const user_ids of forms) {
      expect((await team.call('session.getSettings', { user_ids })).body).toMatchObject(both)
    }
    expect((await team.call('session.getSettings', {}, { json: { user_ids: [one, two] } })).body).toMatchObject(both)
    for (const json of [
      { user_ids: [one], duration: 28_800, desktop_app_browser_quit: false },
      { user_ids: [one], duration: '28800', desktop_app_browser_quit: 1, extra: { ignored: true }, team_id: null },
      { user_ids: one, duration: null, desktop_app_browser_quit: true },
    ]) {
      expect((await team.call('session.setSettings', {}, { json })).body).toEqual({ ok: true })
    }
    for (const desktop_app_browser_quit of ['true', 'false', '1', '0']) {
      const { body } = await team.call('session.setSettings', { user_ids: one, desktop_app_browser_quit })
      expect(body).toEqual({ ok: true })
    }
    const { body } = await team.call('session.setSettings', { user_ids: one, desktop_app_browser_quit: 'maybe' })
    expect(body).toMatchObject({
      error: 'invalid_arguments',
      response_metadata: { messages: ['[ERROR] must be a boolean [json-pointer:/desktop_app_browser_quit]'] },
    })
  })

  test('a user named twice counts once', async () => {
    const team = await makeTeam()
    const { userId } = team.owner
    const { body } = await team.call('session.getSettings', { user_ids: `${userId},${userId}` })
    expect(body.no_settings_applied).toEqual([userId])
  })

  test('bodies may be forms, JSON, multipart or text, in UTF-8 or ISO 8859-1', async () => {
    const { token, owner } = await makeTeam()
    const form = `user_ids=${owner.userId}`
    const json = JSON.stringify({ user_ids: [owner.userId] })
    const ok = async (type: string, body: BodyInit) => expect(await errorOf(token, type, body)).toBe('ok')
    await ok(FORM, form)
    await ok(`${FORM}; charset=UTF-8`, form)
    await ok(`${FORM};charset="iso-8859-1"`, form)
    await ok('application/json;charset=utf-8', json)
    await ok('text/plain', form)
    await ok('text/plain; charset=utf-8', json)
    const parts = new FormData()
    parts.set('user_ids', owner.userId)
    parts.set('x', new Blob(['1']), 'a file')
    const { body } = await call('session.getSettings', { bearer: token, body: parts })
    expect(body.ok).toBe(true)
  })

  test('text is read in the charset that is named', async () => {
    const echo = async (type: string, body: BodyInit) =>
      (await call('api.test', { headers: { 'content-type': type }, body })).body.args
    expect(await echo(`${FORM}; charset=iso-8859-1`, 'a=%E9t%E9')).toEqual({ a: 'été' })
    expect(await echo(FORM, 'a=%C3%A9t%C3%A9+x')).toEqual({ a: 'été x' })
    expect(await echo(FORM, 'a=été')).toEqual({ a: 'été' })
    expect(
      await echo(
        'application/json; charset=iso-8859-1',
        new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xe9, 0x22, 0x7d]),
      ),
    ).toEqual({ a: 'é' })
  })

  test('a POST without arguments has none, whatever its type', async () => {
    const { token } = await makeTeam()
    for (const headers of [{}, { 'content-type': FORM }, { 'content-type': 'application/json;charset=utf-8' }]) {
      expect((await call('session.list', { bearer: token, headers })).body.ok).toBe(true)
    }
  })
})

describe('the content is refused', () => {
  test.each([
    ['missing_post_type', null, new Uint8Array([97, 61, 98])],
    ['invalid_post_type', 'application/xml', '<a/>'],
    ['invalid_charset', `${FORM}; charset=utf-16`, 'a=b'],
    ['invalid_charset', 'application/json; charset=koi8-r', '{}'],
    ['invalid_form_data', FORM, 'a=%zz'],
    ['invalid_form_data', FORM, 'a=%ff'],
    ['invalid_form_data', 'multipart/form-data', 'a=b'],
    ['invalid_form_data', 'multipart/form-data; boundary=x', '--x\r\nnonsense'],
    ['invalid_json', 'application/json', '{"user_ids":'],
    ['invalid_json', 'application/json', new Uint8Array([0x22, 0xff, 0x22])],
    ['json_not_object', 'application/json', '["U1"]'],
    ['json_not_object', 'application/json', 'null'],
    ['invalid_array_arg', FORM, 'user_ids[]=U1&user_ids[]=U2'],
    ['invalid_array_arg', FORM, 'user_ids%5B0%5D=U1'],
    ['invalid_arg_name', FORM, 'user-ids=U1'],
    ['invalid_arg_name', 'application/json', `{"${'a'.repeat(101)}":1}`],
    ['invalid_arguments', FORM, 'user_ids=U1&user_ids=U2'],
    ['invalid_arguments', FORM, `user_ids=${'U'.repeat(262_144)}`],
  ] as const)('as %s: %s', async (error, type, body) => {
    const { token } = await makeTeam()
    expect(await errorOf(token, type, body)).toBe(error)
  })

  test('as request_timeout when it breaks off', async () => {
    const { token } = await makeTeam()
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error('gone'))
      },
    })
    const headers = { 'content-type': FORM }
    const response = await workerWith().send('/api/admin.users.session.list', { bearer: token, headers, body })
    expect([response.status, await response.json()]).toEqual([200, { ok: false, error: 'request_timeout' }])
  })

  test('before the token is, but for what a wrong token hides', async () => {
    expect(await errorOf('nope', 'application/xml', 'x')).toBe('invalid_post_type')
    expect(await errorOf('nope', `${FORM}; charset=x`, 'a=b')).toBe('invalid_charset')
    expect(await errorOf('nope', FORM, 'a[]=b')).toBe('invalid_auth')
    expect((await call('session.list', { headers: { 'content-type': FORM }, body: 'a[]=b' })).body.error).toBe(
      'invalid_array_arg',
    )
  })
})

describe('the token', () => {
  test('is in the header or among the arguments; the header counts if both are there', async () => {
    const team = await makeTeam()
    const readOnly = await team.tokenOf({ role: 'admin' }, ['admin.users:read'])
    const args = { user_ids: team.owner.userId, duration: '28800' }
    expect((await call('session.setSettings', { form: { ...args, token: team.token } })).body).toEqual({ ok: true })
    expect((await call('session.list', { json: { token: team.token } })).body.ok).toBe(true)
    const both = await call('session.setSettings', { bearer: readOnly, form: { ...args, token: team.token } })
    expect(both.body.error).toBe('missing_scope')
  })

  test('must be there, known, whole, alive and allowed here', async () => {
    const { id, owner, token } = await makeTeam()
    const one = (options: Parameters<typeof makeBearer>[2]) =>
      makeBearer(id, SCOPES, { ownerUserId: owner.userId, ...options })
    const error = async (bearer: string, address?: string) =>
      (await call('session.list', { bearer, form: {}, ...(address === undefined ? {} : { address }) })).body.error
    expect((await call('session.list', { form: {} })).body).toEqual({ ok: false, error: 'not_authed' })
    expect((await call('session.list', { form: { token: '' } })).body.error).toBe('not_authed')
    expect((await call('session.list', { form: {}, headers: { authorization: 'Basic eDp5' } })).body.error).toBe(
      'invalid_auth',
    )
    expect(await error('nope')).toBe('invalid_auth')
    expect(await error(`${token.slice(0, -1)}x`)).toBe('invalid_auth')
    // Another secret of a credential that is there, with the right checksum.
    const body = token.slice(0, 19) + newBearer().secret
    expect(await error(body + createHash('sha256').update(body).digest('hex').slice(0, 8))).toBe('invalid_auth')
    expect(await error(await one({ revokedAt: 1 }))).toBe('token_revoked')
    expect(await error(await one({ expiresAt: 1 }))).toBe('token_expired')
    const limited = await one({ addressAllowList: ['192.0.2.0/24'] })
    expect(await error(limited, '198.51.100.1')).toBe('accesslimited')
    expect(await error(limited, '192.0.2.77')).toBeUndefined()
    expect(await error(await makeOperator())).toBe('team_access_not_granted')
  })

  test('acts for an admin of its team who is active', async () => {
    const team = await makeTeam()
    const error = async (bearer: string) => (await call('session.list', { bearer, form: {} })).body.error
    for (const role of ['admin', 'owner', 'primary_owner'] as const) {
      expect(await error(await team.tokenOf({ role }))).toBeUndefined()
    }
    expect(await error(await team.tokenOf({ role: 'member' }))).toBe('not_an_admin')
    expect(await error(await team.tokenOf({ role: 'admin', bot: true }))).toBe('not_allowed_token_type')
    expect(await error(await makeBearer(team.id, SCOPES))).toBe('not_allowed_token_type')
    expect(await error((await signIn(await team.user())).token)).toBe('not_allowed_token_type')
    expect(await error(await team.tokenOf({ role: 'admin', active: false }))).toBe('account_inactive')
    await env.DB.prepare('UPDATE users SET deleted_at = 1 WHERE user_id = ?').bind(team.owner.userId).run()
    expect(await error(team.token)).toBe('token_revoked')
    // A user of another store who has the same id is nobody here.
    const namesake = (await makeTeam()).owner
    const rename = env.DB.prepare('UPDATE users SET user_id = ? WHERE identity_store_id = ?')
    await rename.bind(team.owner.userId, namesake.identityStoreId).run()
    expect(await error(team.token)).toBe('token_revoked')
  })

  test('needs the scope of the method, which the answer names', async () => {
    const team = await makeTeam({ scopes: ['admin.users:read'] })
    const { headers, body } = await team.call('session.reset', { user_id: team.owner.userId })
    expect(body).toEqual({
      ok: false,
      error: 'missing_scope',
      needed: 'admin.users:write',
      provided: 'admin.users:read',
    })
    expect(headers.get('x-oauth-scopes')).toBe('admin.users:read')
    expect(headers.get('x-accepted-oauth-scopes')).toBe('admin.users:write')
    const writeOnly = await makeTeam({ scopes: ['admin.users:write'] })
    for (const method of ['session.list', 'session.getSettings']) {
      expect((await writeOnly.call(method)).body).toMatchObject({ error: 'missing_scope', needed: 'admin.users:read' })
    }
    for (const method of ['setSettings', 'clearSettings', 'invalidate', 'reset', 'resetBulk']) {
      expect((await team.call(`session.${method}`)).body).toMatchObject({ needed: 'admin.users:write' })
    }
  })
})

describe('the team', () => {
  test.each([
    ['migrating', 'team_added_to_org', 'org_login_required'],
    ['without_plan', 'feature_not_enabled', undefined],
  ] as const)('that is %s is told %s', async (state, error, loginError) => {
    const team = await makeTeam({ state })
    for (const method of ['setSettings', 'getSettings', 'clearSettings', 'list', 'invalidate', 'reset', 'resetBulk']) {
      expect((await team.call(`session.${method}`)).body).toEqual({ ok: false, error })
    }
    expect((await team.call('auth.test')).body.error).toBe(loginError)
  })

  test('may be named in any call, and must be the own one', async () => {
    const [team, other] = [await makeTeam(), await makeTeam()]
    const args = { user_ids: team.owner.userId, duration: '28800' }
    expect((await team.call('session.setSettings', { ...args, team_id: team.id })).body).toEqual({ ok: true })
    for (const method of ['setSettings', 'getSettings', 'clearSettings', 'invalidate', 'reset', 'resetBulk']) {
      const { body } = await team.call(`session.${method}`, { ...args, team_id: other.id })
      expect(body).toEqual({ ok: false, error: 'team_access_not_granted' })
    }
  })
})

test('missing arguments are all named at once', async () => {
  const team = await makeTeam()
  const { body } = await team.call('session.invalidate', { user_id: 'U'.repeat(256) })
  expect(body.response_metadata.messages).toEqual([
    '[ERROR] missing required field: session_id',
    '[ERROR] must not be longer than 255 characters [json-pointer:/user_id]',
  ])
  expect((await team.call('session.setSettings', { user_ids: '[]' })).body.response_metadata.messages).toEqual([
    '[ERROR] no fewer items than 1 required [json-pointer:/user_ids]',
  ])
  expect((await team.call('session.setSettings', { user_ids: '[1' })).body.response_metadata.messages).toEqual([
    '[ERROR] must be an array [json-pointer:/user_ids]',
  ])
  expect(
    (await team.call('session.setSettings', {}, { json: { user_ids: [7] } })).body.response_metadata.messages,
  ).toEqual(['[ERROR] must be a string [json-pointer:/user_ids/0]'])
})

describe('every answer', () => {
  test('is HTTP 200: unknown methods, wrong HTTP methods, and what is not allowed', async () => {
    for (const name of ['admin.users.session.nothing', 'users.list', 'a.b']) {
      expect(await call(name, { form: {} })).toMatchObject({
        status: 200,
        body: { ok: false, error: 'unknown_method' },
      })
    }
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status, body } = await call('session.reset', { method })
      expect([method, status, body]).toEqual([method, 200, { ok: false, error: 'unknown_method' }])
    }
    expect((await send('/api/admin.users.session.reset', { method: 'HEAD' })).status).toBe(200)
  })

  test('that is none is an unknown method, whatever its name: clients repeat a 404 for half an hour', async () => {
    for (const path of ['/api/x', '/api/users', '/api/admin.users.session.', '/api/api.test/', '/api/9']) {
      const response = await send(path, { method: 'POST' })
      expect([response.status, await response.json()], path).toEqual([200, { ok: false, error: 'unknown_method' }])
    }
  })

  test('leaves the paths of other APIs alone', async () => {
    for (const path of ['/api/4.0/session.config', '/api/v1/session.x/', '/api/logout', '/api/a.b/c']) {
      const response = await send(path, { method: 'POST' })
      // Never 200: the other API's words, or that there is no such path.
      expect([404, 405], path).toContain(response.status)
    }
  })

  test('says what it is, and which request it was', async () => {
    const team = await makeTeam()
    const { headers } = await team.call('session.list')
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('cache-control')).toBe('private, no-store')
    expect(headers.get('x-oauth-scopes')).toBe('admin.users:read,admin.users:write')
    expect(headers.get('x-accepted-oauth-scopes')).toBe('admin.users:read')
    expect(headers.get('x-slack-req-id')).toMatch(/^[0-9a-f]{32}$/)
    expect(headers.get('x-slack-req-id')).toBe(headers.get('x-request-id')?.replaceAll('-', ''))
    const refused = await call('session.list', { bearer: 'nope', form: {} })
    expect(refused.headers.get('x-oauth-scopes')).toBeNull()
    expect(refused.headers.get('x-slack-req-id')).toMatch(/^[0-9a-f]{32}$/)
  })

  test('is service_unavailable without D1', async () => {
    const team = await makeTeam()
    breakD1()
    expect(await team.call('session.list')).toMatchObject({ status: 200, body: { error: 'service_unavailable' } })
  })

  test('tells a bug that changed nothing from one that may have', async () => {
    const team = await makeTeam()
    breakBadly()
    const read = await team.call('session.getSettings', { user_ids: team.owner.userId })
    expect(read).toMatchObject({ status: 200, body: { ok: false, error: 'internal_error' } })
    const write = await team.call('session.setSettings', { user_ids: team.owner.userId, duration: '28800' })
    expect(write).toMatchObject({ status: 200, body: { ok: false, error: 'fatal_error' } })
    expect(JSON.stringify([read.body, write.body])).not.toContain('no such')
  })
})

describe('the first calls', () => {
  test('api.test answers its arguments but for the token, and fails when told to', async () => {
    const { body } = await call('api.test', { form: { foo: 'bar', token: 'secret' } })
    expect(body).toEqual({ ok: true, args: { foo: 'bar' } })
    expect((await call('api.test')).body).toEqual({ ok: true, args: {} })
    expect((await call('api.test', { json: { error: 'my_error', n: [1] } })).body).toEqual({
      ok: false,
      error: 'my_error',
      args: { error: 'my_error', n: [1] },
    })
    expect(await (await send('/api/api.test?foo=bar')).json()).toEqual({ ok: true, args: { foo: 'bar' } })
  })

  test('auth.test says whom the token acts for, of any role', async () => {
    const team = await makeTeam({ role: 'member', scopes: [] })
    const { userId, username } = team.owner
    expect((await team.call('auth.test')).body).toEqual({
      ok: true,
      url: 'http://127.0.0.1:8787/',
      team: team.id,
      team_id: team.id,
      user: username,
      user_id: userId,
      is_enterprise_install: false,
    })
    const service = await call('auth.test', { bearer: await makeBearer(team.id, []), form: {} })
    expect(service.body).toMatchObject({ ok: true, team_id: team.id, bot_id: expect.stringContaining('credential') })
    expect((await call('auth.test', { form: {} })).body.error).toBe('not_authed')
  })
})

/** D1 says that a statement is wrong: a bug of ours. */
function breakBadly(): void {
  intercept(async (call, goOn) => {
    const concerned = call.to === 'D1' && call.statements.some((text) => text.includes('session_settings'))
    if (concerned) throw new Error('D1_ERROR: no such column: x: SQLITE_ERROR')
    return goOn()
  })
}

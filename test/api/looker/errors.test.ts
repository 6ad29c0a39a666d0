import { describe, expect, test, vi } from 'vitest'
import type { RequestContext } from '../../../src/api/context.ts'
import { renderError } from '../../../src/api/looker/errors.ts'
import { lookerApi, lookerBareApi } from '../../../src/api/looker/routes.ts'
import type { SessionError } from '../../../src/domain/errors.ts'
import { Sessions } from '../../../src/sessions/service.ts'
import { logIn, looker } from './support.ts'

const context = {
  services: { settings: { publicOrigins: ['https://sessions.example'] } },
  requestId: 'r',
} as unknown as RequestContext

describe('an error', () => {
  const errors: [SessionError, number][] = [
    [{ code: 'invalid_request', issues: [{ field: 'a', code: 'missing', message: 'Is required.' }] }, 422],
    [{ code: 'invalid_request', issues: [{ field: '', code: 'invalid', message: 'No JSON.' }] }, 400],
    [{ code: 'unsupported_media_type', accepted: ['a/b'] }, 400],
    [{ code: 'request_timeout' }, 408],
    [{ code: 'request_too_large', limitBytes: 1 }, 413],
    [{ code: 'unauthenticated' }, 401],
    [{ code: 'credential_expired' }, 401],
    [{ code: 'credential_revoked' }, 401],
    [{ code: 'session_ended', reason: 'idle', endedAt: 1 }, 401],
    [{ code: 'address_not_allowed' }, 403],
    [{ code: 'origin_not_allowed' }, 403],
    [{ code: 'user_disabled' }, 403],
    [{ code: 'forbidden', needed: [], provided: [] }, 403],
    [{ code: 'invalid_credentials' }, 404],
    [{ code: 'path_not_found' }, 404],
    [{ code: 'identity_store_not_found' }, 404],
    [{ code: 'user_not_found' }, 404],
    [{ code: 'session_not_found' }, 404],
    [{ code: 'credential_not_found' }, 404],
    [{ code: 'openid_provider_not_found' }, 404],
    [{ code: 'wrong_token_kind', expected: 'api session', found: 'web session' }, 401],
    [{ code: 'method_not_allowed', allowed: ['GET'] }, 405],
    [{ code: 'conflict', detail: 'x' }, 409],
    [{ code: 'locked_out', retryAfterSeconds: 7 }, 429],
    [{ code: 'rate_limited', retryAfterSeconds: 7 }, 429],
    [{ code: 'unavailable', what: 'D1', retryAfterSeconds: 7 }, 503],
  ]
  for (const [error, status] of errors) {
    test(`${error.code} is ${status}, with message and documentation_url, and no key error`, async () => {
      const response = renderError(error, context)
      const body = (await response.json()) as Record<string, unknown>
      expect(response.status).toBe(status)
      expect(body.message).toBeTypeOf('string')
      expect(body.documentation_url).toBe(`https://sessions.example/docs/problems#${error.code}`)
      expect(body).not.toHaveProperty('error')
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(response.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '7' : null)
    })
  }
})

describe('a path', () => {
  test('that there is not is 404 in Looker’s words', async () => {
    for (const path of ['/nope', '/session_config/', '//session_config/', '//api/logout/', '/users//sessions']) {
      const answer = await looker('GET', path, null)
      expect(answer, path).toMatchObject({ status: 404, body: { message: 'Not found' } })
    }
  })

  test('with another method is 405 with Allow, on every route', async () => {
    for (const api of [lookerApi, lookerBareApi]) {
      for (const { path } of api.routes) {
        const url = `${api.base}${path}`.replace(/:\w+/g, 'x')
        const allowed = api.routes
          .filter((route) => `${api.base}${route.path}`.replace(/:\w+/g, 'x') === url)
          .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
        const answer = await looker('PUT', `/${url}`, null)
        expect(answer, url).toMatchObject({ status: 405, body: { message: 'Method not allowed' } })
        expect(answer.headers.get('allow'), url).toBe(allowed.join(', '))
      }
    }
  })
})

test('a bug is 500 and says nothing but the request id', async () => {
  const { token, user } = await logIn()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  vi.spyOn(Sessions.prototype, 'list').mockRejectedValue(new Error('secret detail'))
  const answer = await looker('GET', `/users/${user.userId}/sessions`, token)
  expect(answer.status).toBe(500)
  expect(answer.body).toEqual({
    message: expect.stringContaining(answer.headers.get('x-request-id') ?? '?'),
    documentation_url: expect.any(String),
  })
  expect(JSON.stringify(answer.body)).not.toContain('secret')
})

test('an answer to HEAD has no body', async () => {
  const { token } = await logIn()
  const answer = await looker('HEAD', '/session_config', token)
  expect(answer).toMatchObject({ status: 200, body: {} })
})

/** What the OpenAPI documents say of every route, and what the types of a path promise to its handler. */
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type PathParameters, route } from '../../src/api/route.ts'
import { ok } from '../../src/domain/result.ts'
import { type OpenApi, operationsOf, readDocuments } from '../support/documents.ts'

describe('path parameters', () => {
  test('are typed from the text of the path', () => {
    expectTypeOf<PathParameters<'/users/:userId/sessions/:sessionId'>>().toEqualTypeOf<{
      readonly userId: string
      readonly sessionId: string
    }>()
    expectTypeOf<keyof PathParameters<'/sessions'>>().toEqualTypeOf<never>()
  })

  test('that a path does not have cannot be taken by its handler', () => {
    const handle = (_request: Request, { userId }: { readonly userId: string }) => ok(new Response(userId))
    const one = { method: 'GET', operationId: '', summary: '', security: ['none'], responses: {}, handle } as const
    route({ ...one, path: '/users/:userId' })
    // @ts-expect-error the path has no such parameter
    route({ ...one, path: '/users/:user_id' })
  })
})

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}

describe('the documents', async () => {
  const operations = operationsOf(...(await readDocuments<OpenApi<Operation>>()))

  test('say in a sentence what each endpoint does, and what each status means', () => {
    const said = operations.flatMap(({ operationId, summary, responses }) =>
      [summary, ...Object.values(responses).map(({ description }) => description)].map(
        (text) => [operationId, text] as const,
      ),
    )
    expect(said.filter(([, text]) => text.split(' ').length < 3 && !['Sign out.'].includes(text))).toEqual([])
    expect(said.filter(([, text]) => !/^[A-Z`].*\.$/s.test(text))).toEqual([])
  })

  test('name the errors that a route has because of what it takes', () => {
    const statuses = Object.fromEntries(
      operations.map(({ operationId, responses: { default: following, ...others } }) => {
        const told = following?.description.match(/\d{3}/g) ?? []
        return [operationId, [...Object.keys(others), ...told].toSorted().join(' ')]
      }),
    )
    expect(statuses).toMatchObject({
      checkSession: '200 400 401 503',
      endSession: '204 401 403 404 503',
      health: '200 503',
      introspect: '200 400 401 403 408 413 415 503',
      putIdentityStore: '200 201 400 401 403 408 409 413 415 503',
      getUser: '200 400 401 403 404 503',
      patchUser: '200 400 401 403 404 408 409 413 415 503',
      lookerLogin: '200 400 403 404 408 413 429 503',
      lookerLogout: '204 401 503',
      lookerUserSession: '200 401 403 404 422 503',
      identityCenterListSessions: '200 401 403 404 429 503',
      apioSessionInfo: '200 401 503',
      apioLogin: '200 400 401 403 416 429 502 503 504',
      api_test: '200',
      auth_test: '200 429',
    })
  })
})

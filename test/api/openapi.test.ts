/** The document as a generator of clients reads it: named schemas once, closed lists as enums, and not too long. */

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jsonSchemas } from '../../src/api/openapi-schemas.ts'
import { PROBLEM_CODES } from '../../src/api/problem-body.ts'
import { OAUTH_ERROR_CODES } from '../../src/api/sessions/errors.ts'
import { ERROR_CODES } from '../../src/api/slack/schemas.ts'
import { apis } from '../../src/app.ts'
import { MISSING_RIGHTS } from '../../src/auth/authorization-messages.ts'
import { SCOPES } from '../../src/auth/scopes.ts'
import { ROLES } from '../../src/domain/authority.ts'
import { ISSUE_CODES, TOKEN_KINDS } from '../../src/domain/errors.ts'
import { LAYERS, WHEN_LIMIT_REACHED } from '../../src/domain/policy.ts'
import { CREDENTIALS_TYPES, END_REASONS } from '../../src/domain/session.ts'
import { CREDENTIAL_KINDS, LOGIN_MODES, STORE_STATES } from '../../src/store/schema.ts'
import { DOCUMENTS } from '../support/document-paths.ts'
import { operationsOf, readDocuments } from '../support/documents.ts'
import type { Json } from '../support/json.ts'
import { send } from '../support/requests.ts'

/** Longest document, in bytes. */
const MAX_BYTES = { '/openapi.json': 120_000, '/openapi/operator.json': 120_000, '/openapi/vendors.json': 80_000 }

describe.each(DOCUMENTS)('the document %s', async (path) => {
  const text = await (await send(path)).text()
  const document: Json = JSON.parse(text)
  const { schemas } = document.components
  const operations = operationsOf<Json>(document)

  test('is not too long', () => {
    const bytes = new TextEncoder().encode(text).length
    expect(bytes).toBeLessThan(MAX_BYTES[path])
  })

  test('leads nowhere that is not there', () => {
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference)
    const missing = references.filter((reference) => {
      const [root, ...path] = reference.split('/')
      return root !== '#' || path.reduce<Json>((inner, key) => inner?.[key], document) === undefined
    })
    expect(references.length).toBeGreaterThan(100)
    expect(missing).toEqual([])
  })

  test('says no named schema a second time, and has none that nothing refers to', () => {
    const bodies = Object.entries(schemas).map(([name, schema]) => [JSON.stringify(schema), name] as const)
    // An object without fields is nothing to have a name for.
    const named = new Map(bodies.filter(([body]) => body !== '{"type":"object","properties":{}}'))
    const again: string[] = []
    const look = (value: Json): void => {
      if (typeof value !== 'object' || value === null) return
      const name = named.get(JSON.stringify(value))
      if (name !== undefined) again.push(name)
      for (const inner of Object.values(value)) look(inner)
    }
    look({ ...document, components: { ...document.components, schemas: Object.values<Json>(schemas).map(insides) } })
    expect(again).toEqual([])
    expect(Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`))).toEqual([])
  })

  test('has a name for every object that is taken or given', () => {
    const unnamed = operations.flatMap(({ operationId, requestBody, responses }) =>
      [requestBody, ...Object.values<Json>(responses)]
        .flatMap((one) => Object.values<Json>(one?.content ?? {}))
        .filter(({ schema }) => schema.properties !== undefined || schema.allOf !== undefined)
        .map(() => operationId),
    )
    expect(unnamed).toEqual([])
  })

  test('has no way of knowing a caller that no operation takes', () => {
    const taken = [document, ...operations].flatMap(({ security = [] }) => security.flatMap(Object.keys))
    expect(Object.keys(document.components.securitySchemes).toSorted()).toEqual([...new Set(taken)].toSorted())
  })
})

describe('all documents', async () => {
  const documents = await readDocuments<Json>()
  const schemas: Json = Object.assign({}, ...documents.map(({ components }) => components.schemas))

  test('have an operation for every route of every API, each with a name of its own', () => {
    const routes = apis.flatMap((api) => api.routes.map(({ operationId }) => operationId))
    const ids = operationsOf<Json>(...documents).map(({ operationId }) => operationId)
    expect(ids.toSorted()).toEqual(routes.toSorted())
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z]\w*$/)
  })

  test.each<[string, (named: Json) => unknown, readonly string[]]>([
    ['EndReason', ({ EndReason }) => EndReason, END_REASONS],
    ['CredentialsType', ({ CredentialsType }) => CredentialsType, CREDENTIALS_TYPES],
    ['TokenKind', ({ TokenKind }) => TokenKind, TOKEN_KINDS],
    ['CredentialKind', ({ CredentialKind }) => CredentialKind, CREDENTIAL_KINDS],
    ['Role', ({ Role }) => Role, ROLES],
    ['Scope', ({ Scope }) => Scope, Object.keys(SCOPES)],
    ['LoginMode', ({ LoginMode }) => LoginMode, LOGIN_MODES],
    ['IdentityStoreState', ({ IdentityStoreState }) => IdentityStoreState, STORE_STATES],
    ['WhenLimitReached', ({ WhenLimitReached }) => WhenLimitReached, WHEN_LIMIT_REACHED],
    ['the codes of issues', ({ Issue }) => Issue.properties.code, ISSUE_CODES],
    ['the codes of OAuth', ({ OAuthProblem }) => OAuthProblem.allOf[1].properties.error, OAUTH_ERROR_CODES],
    ['the codes of Slack', ({ SlackRefusal }) => SlackRefusal.properties.error, ERROR_CODES],
    ['missing rights', ({ AuthorizationMessage }) => AuthorizationMessage.properties.missing, MISSING_RIGHTS],
    ['layers', ({ ExplainedRule }) => ExplainedRule.properties.from, [...LAYERS, 'ceiling']],
  ])('have an enum that is the code’s own list: %s', (_name, find, list) => {
    expect(find(schemas)).toMatchObject({ type: 'string', enum: [...list] })
  })

  test('have each code of a problem in one schema of the union', () => {
    const codes = schemas.Problem.anyOf.flatMap(({ $ref }: Json) => {
      const { code } = schemas[$ref.split('/').at(-1)].allOf[1].properties
      return code.enum ?? [code.const]
    })
    expect(codes.toSorted()).toEqual(PROBLEM_CODES.toSorted())
  })
})

/** The parts of a schema, without itself. */
function insides(schema: Json): Json[] {
  return Object.values(schema)
}

describe('a schema', () => {
  const Size = z.enum(['small', 'large']).meta({ id: 'Size' })
  const Box = z.object({ size: Size, inner: z.object({ old: Size.optional() }) }).meta({ id: 'Box' })

  test('with a name stands once and is referred to; one without stands where it is used', () => {
    const converted = jsonSchemas([], [Box, Box.array(), Size.nullable()])
    expect(Object.keys(converted.named)).toEqual(['Box', 'Size'])
    expect(converted.of(Box, 'output')).toEqual({ $ref: '#/components/schemas/Box' })
    expect(converted.named.Box).toMatchObject({
      properties: {
        size: { $ref: '#/components/schemas/Size' },
        inner: { type: 'object', properties: { old: { $ref: '#/components/schemas/Size' } } },
      },
    })
  })

  test('that says another thing of what enters has another name there, with all that refers to it', () => {
    const Options = z.object({ size: Size.default('small') }).meta({ id: 'Options' })
    const Order = z.object({ options: Options, size: Size }).meta({ id: 'Order' })
    const converted = jsonSchemas([Order], [Order])
    expect(Object.keys(converted.named)).toEqual(['Options', 'OptionsInput', 'Order', 'OrderInput', 'Size'])
    expect(converted.of(Order, 'input')).toEqual({ $ref: '#/components/schemas/OrderInput' })
    expect(converted.named).toMatchObject({
      Options: { required: ['size'] },
      OrderInput: { properties: { options: { $ref: '#/components/schemas/OptionsInput' } } },
      Order: { properties: { options: { $ref: '#/components/schemas/Options' } } },
    })
    expect(converted.named.OptionsInput).not.toHaveProperty('required')
  })

  test('cannot have the name of another', () => {
    const other = z.object({ other: z.string() }).meta({ id: 'Size' })
    expect(() => jsonSchemas([], [Box, other])).toThrow('Size')
    const taken = z.object({ size: Size.default('small') }).meta({ id: 'Size2' })
    const name = z.object({ a: z.string() }).meta({ id: 'Size2Input' })
    expect(() => jsonSchemas([taken, name], [taken])).toThrow('Size2Input')
  })

  test('of an answer may gain members; one of a request that takes no others says so', () => {
    const given = z.strictObject({ a: z.string() })
    const converted = jsonSchemas([given], [Box])
    expect(converted.of(given, 'input').additionalProperties).toBe(false)
    expect(converted.named.Box).not.toHaveProperty('additionalProperties')
  })

  test('that may be null says so in its type', () => {
    const [instant, size] = [z.iso.datetime().nullable(), Size.nullable()]
    const converted = jsonSchemas([], [instant, size])
    expect(converted.of(instant, 'output')).toEqual({ type: ['string', 'null'], format: 'date-time' })
    expect(converted.of(size, 'output')).toEqual({ anyOf: [{ $ref: '#/components/schemas/Size' }, { type: 'null' }] })
  })
})

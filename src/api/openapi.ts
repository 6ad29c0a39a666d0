/** One OpenAPI 3.1 document for all APIs, built from the same lists and schemas that serve the requests. */
import { z } from 'zod'
import type { Api, Route, Security } from './route.ts'

const SECURITY_SCHEMES: Record<Exclude<Security, 'none'>, object[]> = {
  session: [
    { type: 'apiKey', in: 'cookie', name: 'sessionid' },
    { type: 'http', scheme: 'bearer' },
  ],
  session_cookie: [{ type: 'apiKey', in: 'cookie', name: 'sessionid' }],
  credential: [{ type: 'http', scheme: 'bearer', description: 'A credential that an operator made.' }],
  operator: [{ type: 'http', scheme: 'bearer', description: "An operator's credential." }],
  api_client: [{ type: 'http', scheme: 'basic', description: 'Client id and secret.' }],
  access_token: [{ type: 'http', scheme: 'bearer', description: 'An access token of an API login.' }],
  access_key: [{ type: 'apiKey', in: 'header', name: 'Authorization', description: 'SDK-HMAC-SHA256 signature.' }],
}

/** The document. */
export function openApiDocument(apis: readonly Api[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const api of apis) {
    for (const route of api.routes) {
      const path = openApiPath(api.base + route.path)
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(api, route, path) }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey',
      version: '1',
      description:
        'Sessions at the edge: opened, checked, limited, expired and ended. Four published session APIs are its faces.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: Array.from(new Set(apis.map(({ name }) => name)), (name) => ({ name })),
    paths,
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(SECURITY_SCHEMES).flatMap(([name, schemes]) =>
          schemes.map((scheme, index) => [schemeName(name, index), scheme]),
        ),
      ),
    },
  }
}

/** itty's `/a/:userId` as OpenAPI's `/a/{userId}`. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

function schemeName(name: string, index: number): string {
  return index === 0 ? name : `${name}_bearer`
}

function operation(api: Api, route: Route, path: string): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  return {
    tags: [api.name],
    operationId: route.operationId,
    summary: route.summary,
    security: route.security.flatMap((one) =>
      one === 'none' ? [{}] : SECURITY_SCHEMES[one].map((_, index) => ({ [schemeName(one, index)]: [] })),
    ),
    ...(route.scope && { 'x-required-scope': route.scope }),
    parameters: [...inPath, ...queryParameters(route)],
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body) }),
    responses: { ...errorResponses(api, route), ...successResponses(route) },
  }
}

function successResponses({ responses }: Route): object {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema }]) => [
      status,
      { description, ...(schema && { content: { 'application/json': { schema: jsonSchema(schema, 'output') } } }) },
    ]),
  )
}

/** What follows from what the route takes; its own words for a status come before. */
function errorResponses({ errors }: Api, route: Route): object {
  const descriptions: NonNullable<Route['errors']> = {
    ...(route.method !== 'GET' && errors.unsafe),
    ...(route.query && errors.query),
    ...(route.body && errors.body),
    ...(route.path.includes(':') && errors.pathParameters),
    ...Object.assign({}, ...route.security.map((one) => errors.security[one])),
    ...route.errors,
  }
  const { schemaOf, mediaType = 'application/json' } = errors
  return Object.fromEntries(
    Object.entries(descriptions).flatMap(([status, description]) => {
      if (description === null) return []
      const schema = jsonSchema(schemaOf(Number(status)), 'output')
      return [[status, { description, content: { [mediaType]: { schema } } }]]
    }),
  )
}

function queryParameters(route: Route): object[] {
  if (route.query === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(route.query, 'input')
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

function requestBody(body: NonNullable<Route['body']>): object {
  const schema = jsonSchema(body.schema, 'input')
  return { required: true, content: Object.fromEntries(body.mediaTypes.map((mediaType) => [mediaType, { schema }])) }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

/** An OpenAPI 3.1 document of some APIs, built from the same lists and schemas that serve the requests. */
import { z } from 'zod'
import { type JsonSchemas, jsonSchemas } from './openapi-schemas.ts'
import type { Api, Route, Security } from './route.ts'

const SECURITY_SCHEMES: Record<Exclude<Security, 'none'>, object[]> = {
  session: [
    { type: 'apiKey', in: 'cookie', name: 'sessionid' },
    { type: 'http', scheme: 'bearer' },
  ],
  session_cookie: [{ type: 'apiKey', in: 'cookie', name: 'sessionid' }],
  credential: [{ type: 'http', scheme: 'bearer', description: 'A credential that an operator made.' }],
  operator: [{ type: 'http', scheme: 'bearer', description: "An operator's credential." }],
  console_session: [
    {
      type: 'apiKey',
      in: 'cookie',
      name: '__Host-latchkey-operator',
      description: 'Unsafe requests need `Origin` and `Latchkey-Console: 1`.',
    },
  ],
  api_client: [{ type: 'http', scheme: 'basic', description: 'Client id and secret.' }],
  access_token: [{ type: 'http', scheme: 'bearer', description: 'An access token of an API login.' }],
  access_key: [{ type: 'apiKey', in: 'header', name: 'Authorization', description: 'SDK-HMAC-SHA256 signature.' }],
}

/** What is said once for the whole document. */
interface Components {
  /** The callers that most operations take; these operations do not repeat them. */
  readonly usual: readonly Security[]
  /** What operations refer to, by name. */
  readonly schemas: JsonSchemas
  readonly parameters: Record<string, object>
  readonly responses: Record<string, object>
}

/** The document. It has what these APIs refer to, and no more. */
export function openApiDocument(apis: readonly Api[]): object {
  const securities = new Set(apis.flatMap(({ routes }) => routes.flatMap(({ security }) => security)))
  const usual = usualSecurity(apis)
  const components = { usual, schemas: allSchemas(apis), parameters: {}, responses: {} }
  const paths: Record<string, Record<string, object>> = {}
  for (const api of apis) {
    for (const route of api.routes) {
      const path = openApiPath(api.base + route.path)
      paths[path] ??= pathParameters(path, components)
      paths[path][route.method.toLowerCase()] = operation(api, route, components)
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey',
      version: '1',
      description:
        'Sessions at the edge: opened, checked, limited, expired and ended. `/openapi.json` is for applications and their users, `/openapi/operator.json` for operators; `/openapi/vendors.json` has the four published session APIs that it speaks too.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: Array.from(new Set(apis.map(({ name }) => name)), (name) => ({ name })),
    security: requirements(usual),
    paths,
    components: {
      schemas: components.schemas.named,
      parameters: components.parameters,
      responses: components.responses,
      securitySchemes: Object.fromEntries(
        Object.entries(SECURITY_SCHEMES).flatMap(([name, schemes]) =>
          (securities.has(name as Security) ? schemes : []).map((scheme, index) => [schemeName(name, index), scheme]),
        ),
      ),
    },
  }
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A name for this request, of your own making: sent again within 24 hours with the same body, it is answered as it was, with `Idempotent-Replayed: true`.',
  schema: { type: 'string', minLength: 1, maxLength: 257 },
}

const IDEMPOTENCY_ERRORS = {
  409: 'The request that came with this `Idempotency-Key` before is still being answered.',
  422: 'The `Idempotency-Key` came before with another body.',
}

/** itty's `/a/:userId` as OpenAPI's `/a/{userId}`. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

function requirements(security: readonly Security[]): object[] {
  return security.flatMap((one) =>
    one === 'none' ? [{}] : SECURITY_SCHEMES[one].map((_, index) => ({ [schemeName(one, index)]: [] })),
  )
}

/** The callers that most operations take. */
function usualSecurity(apis: readonly Api[]): readonly Security[] {
  const all = apis.flatMap(({ routes }) => routes.map(({ security }) => security))
  const [most = []] = Map.groupBy(all, (security) => security.join())
    .values()
    .toArray()
    .toSorted((a, b) => b.length - a.length)
  return most[0] ?? []
}

function schemeName(name: string, index: number): string {
  return index === 0 ? name : `${name}_bearer`
}

function allSchemas(apis: readonly Api[]): JsonSchemas {
  const routes = apis.flatMap((api) => api.routes.map((route) => ({ api, route })))
  const entering = routes.flatMap(({ route: { query, body } }) => [
    ...Object.values(query?.shape ?? {}),
    ...(body === undefined ? [] : [body.schema]),
  ])
  const leaving = routes.flatMap(({ api, route }) => [
    ...Object.values(route.responses).flatMap(({ schema }) => schema ?? []),
    ...[...statusesOf(api, route), 500].map((status) => api.errors.schemaOf(status)),
  ])
  return jsonSchemas(entering as z.ZodType[], leaving)
}

function operation(api: Api, route: Route, components: Components): object {
  const query = queryParameters(route, components)
  const parameters = route.idempotent
    ? [...query, shared('parameters', components.parameters, IDEMPOTENCY_KEY.name, IDEMPOTENCY_KEY)]
    : query
  const isUsual = route.security.join() === components.usual.join()
  return {
    tags: [api.name],
    operationId: route.operationId,
    summary: route.summary,
    ...(!isUsual && { security: requirements(route.security) }),
    ...(route.scope && { 'x-required-scope': route.scope }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && { requestBody: requestBody(route.body, components) }),
    responses: { ...successResponses(route, components), ...errorResponses(api, route, components) },
  }
}

function successResponses({ responses }: Route, { schemas }: Components): object {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema }]) => [
      status,
      { description, ...(schema && { content: { 'application/json': { schema: schemas.of(schema, 'output') } } }) },
    ]),
  )
}

/**
 * The errors that follow from what the route takes are told by their statuses alone, as `default`: what each means
 * stands once, in the API's own response. Beside it stand those with another body, and those in the route's own words.
 */
function errorResponses(api: Api, route: Route, { schemas, responses }: Components): object {
  const { name = api.name, schemaOf, mediaType = 'application/json' } = api.errors
  const key = name.replaceAll(' ', '')
  const usual = schemaOf(500)
  const refer = (status: number, description: string) => {
    const schema = schemas.of(schemaOf(status), 'output')
    const isUsual = schemaOf(status) === usual
    const response = { description: meanings(api, (other) => schemaOf(other) === schemaOf(status)) }
    const content = { [mediaType]: { schema } }
    return {
      ...shared('responses', responses, isUsual ? key : `${key}.${status}`, { ...response, content }),
      description,
    }
  }
  const following = statusesOf(api, route).filter((status) => typeof route.errors?.[status] !== 'string')
  const told = following.filter((status) => schemaOf(status) === usual)
  return {
    ...Object.fromEntries(
      Object.entries(route.errors ?? {}).flatMap(([status, description]) =>
        description === null ? [] : [[status, refer(Number(status), description)]],
      ),
    ),
    ...Object.fromEntries(
      following
        .filter((status) => !told.includes(status))
        .map((status) => [status, refer(status, `Fails with ${status}.`)]),
    ),
    ...(told.length > 0 && { default: refer(500, `Fails with ${told.join(', ')}.`) }),
  }
}

/** The statuses that follow from what the route takes. */
function statusesOf({ errors }: Api, route: Route): readonly number[] {
  const sources = [
    route.method !== 'GET' && errors.unsafe,
    route.query && errors.query,
    route.body && errors.body,
    route.idempotent && IDEMPOTENCY_ERRORS,
    route.path.includes(':') && errors.pathParameters,
    ...route.security.map((one) => errors.security[one]),
  ]
  const statuses = new Set(sources.flatMap((source) => Object.keys(source || {}).map(Number)))
  return [...statuses].filter((status) => route.errors?.[status] !== null).toSorted((a, b) => a - b)
}

/** What the statuses of an API mean, each meaning once. */
function meanings({ errors }: Api, told: (status: number) => boolean): string {
  const sources = [errors.query, errors.body, errors.pathParameters, errors.unsafe, ...Object.values(errors.security)]
  const lines = sources.flatMap((source) =>
    Object.entries(source ?? {}).flatMap(([status, text]) => (told(Number(status)) ? [`\`${status}\` ${text}`] : [])),
  )
  return [...new Set(lines)].toSorted().join('\n\n')
}

/** Puts a component in its place, and refers to it. Throws where another one has the name. */
function shared(kind: string, components: Record<string, object>, name: string, component: object): object {
  const known = components[name]
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(component)) {
    throw new Error(`two ${kind} have the name ${name}`)
  }
  components[name] = component
  return { $ref: `#/components/${kind}/${name}` }
}

/** Said once for all methods of the path. */
function pathParameters(path: string, { parameters }: Components): Record<string, object> {
  const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = '']) =>
    shared('parameters', parameters, name, { name, in: 'path', required: true, schema: { type: 'string' } }),
  )
  return inPath.length === 0 ? {} : { parameters: inPath }
}

/** Those of a query with a name are shared. */
function queryParameters({ query }: Route, { schemas, parameters }: Components): object[] {
  const queryName = query && z.globalRegistry.get(query)?.id
  return Object.entries(query?.shape ?? {}).map(([name, field]) => {
    const { description, ...schema } = schemas.of(field as z.ZodType, 'input')
    const required = !(field as z.ZodType).isOptional()
    const parameter = { name, in: 'query', ...(required && { required }), ...(description && { description }), schema }
    return queryName === undefined ? parameter : shared('parameters', parameters, `${queryName}.${name}`, parameter)
  })
}

function requestBody({ schema, mediaTypes }: NonNullable<Route['body']>, { schemas }: Components): object {
  const content = { schema: schemas.of(schema, 'input') }
  return { required: true, content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, content])) }
}

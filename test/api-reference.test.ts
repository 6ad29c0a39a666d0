/** docs/api.md is what /openapi.json says, for people. `npm exec -- vitest run -u test/api-reference.test.ts` writes it anew. */
import { expect, test } from 'vitest'
import { send } from './support/requests.ts'

interface Operation {
  readonly tags: readonly string[]
  readonly summary: string
  readonly security?: readonly Record<string, unknown>[]
  readonly requestBody?: Content
  readonly responses: Readonly<Record<string, Content>>
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}

/** What is used here of a JSON Schema. */
interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

interface Document {
  readonly tags: readonly { readonly name: string }[]
  readonly security: readonly Record<string, unknown>[]
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

test('docs/api.md lists exactly the routes of /openapi.json', async () => {
  const document = (await (await send('/openapi.json')).json()) as Document
  await expect(asMarkdown(document)).toMatchFileSnapshot('../docs/api.md')
})

function asMarkdown({ tags, security: usual, paths, components }: Document): string {
  const routes = Object.entries(paths).flatMap(([path, { parameters: _, ...methods }]) =>
    Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, ...operation })),
  )
  const names = [...new Set(tags.map(({ name }) => name))]
  const tables = names.map((name) => {
    const rows = routes.filter((route) => route.tags.includes(name))
    const lines = rows.map(({ route, summary, security = usual, requestBody, responses }) => {
      const given = Object.entries(responses).flatMap(([status, one]) => (status.startsWith('2') ? schemasOf(one) : []))
      return `| \`${route}\` | ${summary} | ${caller(security)} | ${schemasOf(requestBody)} | ${[...new Set(given)]} |`
    })
    return [`## ${name}`, '', '| | | caller | takes | gives |', '|---|---|---|---|---|', ...lines, ''].join('\n')
  })
  const schemas = Object.entries(components.schemas).map(([name, schema]) => `### ${name}\n\n${described(schema)}\n`)
  return [
    HEAD,
    ...tables,
    '## Schemas',
    '',
    'What is taken and given, by name. Fields with a star may be missing.',
    '',
    ...schemas,
  ].join('\n')
}

/** Links to what a body is. */
function schemasOf(body: Content | undefined): string {
  const [first] = Object.values(body?.content ?? {})
  return first === undefined ? '' : kind(first.schema)
}

/** A schema's fields as a table, or what it is in a line. */
function described({ allOf = [], properties, required = [], ...schema }: Schema): string {
  const others = allOf.filter(({ $ref }) => $ref !== undefined).map(kind)
  const own = allOf.find((one) => one.properties !== undefined)
  const all = properties ?? own?.properties
  const said = schema.description ?? ''
  if (all === undefined) return [said, kind(schema) || others.join(' and ')].filter(Boolean).join(' ')
  const needed = own?.required ?? required
  const rows = Object.entries(all).map(
    ([name, field]) =>
      `| \`${name}\`${needed.includes(name) ? '' : ' *'} | ${kind(field)} | ${field.description ?? ''} |`,
  )
  const head = [said, ...(others.length > 0 ? [`All of ${others.join(' and ')}, and:`] : [])].filter(Boolean)
  return [
    ...head,
    ...(head.length > 0 ? [''] : []),
    ...(rows.length > 0 ? ['| | | |', '|---|---|---|', ...rows] : ['Nothing.']),
  ].join('\n')
}

/** A type in a few words, with links to those that have names. */
function kind(schema: Schema): string {
  const { $ref, oneOf, anyOf = oneOf, allOf, enum: values, items, type, format, properties } = schema
  const name = $ref?.split('/').at(-1)
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`
  if (anyOf !== undefined) return [...new Set(anyOf.map(kind))].join(' or ')
  if (allOf !== undefined) return allOf.map(kind).join(' and ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(' ')
  if (items !== undefined) return `list of ${kind(items)}`
  if (properties !== undefined)
    return `object: ${Object.keys(properties)
      .map((key) => `\`${key}\``)
      .join(' ')}`
  const types = [type ?? []].flat().map((one) => (one === 'string' ? (format ?? 'text') : one))
  return types.join(' or ')
}

const HEAD = `# Endpoints

Every endpoint of every API. \`/docs\` shows them with their fields; \`/openapi.json\` is for machines: its \`default\` answer names the statuses that an endpoint can fail with.
`

/** How a route knows its caller, by the names of the document's security schemes. */
const CALLERS: Readonly<Record<string, string>> = {
  session: 'session',
  session_bearer: 'session',
  session_cookie: 'session, by cookie',
  credential: 'credential',
  operator: 'operator',
  console_session: 'console session',
  api_client: 'API client',
  access_token: 'access token',
  access_key: 'access key',
}

function caller(security: readonly Record<string, unknown>[]): string {
  const names = security.map((scheme) => CALLERS[Object.keys(scheme)[0] ?? ''] ?? 'anyone')
  return [...new Set(names)].join(' or ')
}

/** docs/api.md is what the OpenAPI documents say, for people. `npm exec -- vitest run -u test/api-reference.test.ts` writes it anew. */
import { expect, test } from 'vitest'
import { type OpenApi, operationsOf, readDocuments } from './support/documents.ts'

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

interface Document extends OpenApi<Operation> {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

test('docs/api.md lists exactly the routes of the documents', async () => {
  await expect(asMarkdown(await readDocuments<Document>())).toMatchFileSnapshot('../docs/api.md')
})

function asMarkdown(documents: readonly Document[]): string {
  const routes = documents.flatMap(({ security = [], ...document }) =>
    operationsOf<Operation>(document).map((operation) => ({ security, ...operation })),
  )
  const names = [...new Set(documents.flatMap(({ tags }) => tags.map(({ name }) => name)))]
  const tables = names.map((name) => {
    const rows = routes.filter((route) => route.tags.includes(name))
    const lines = rows.map(({ route, summary, security, requestBody, responses }) => {
      const given = Object.entries(responses).flatMap(([status, one]) => (status.startsWith('2') ? schemasOf(one) : []))
      return `| \`${route}\` | ${summary} | ${caller(security)} | ${schemasOf(requestBody)} | ${[...new Set(given)]} |`
    })
    return [`## ${name}`, '', '| | | caller | takes | gives |', '|---|---|---|---|---|', ...lines, ''].join('\n')
  })
  const named = new Map(documents.flatMap(({ components }) => Object.entries(components.schemas)))
  const schemas = [...named]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `### ${name}\n\n${described(schema)}\n`)
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

Every endpoint of every API. \`/docs\` shows them with their fields; \`/openapi.json\` (for applications and their users), \`/openapi/operator.json\` and \`/openapi/vendors.json\` are for machines: their \`default\` answer names the statuses that an endpoint can fail with.
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

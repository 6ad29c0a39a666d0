/** docs/api.md is what /openapi.json says, for people. `npm exec -- vitest run -u test/api-reference.test.ts` writes it anew. */
import { expect, test } from 'vitest'
import { send } from './support/requests.ts'

interface Operation {
  readonly tags: readonly string[]
  readonly summary: string
  readonly security: readonly Record<string, unknown>[]
}

interface Document {
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly securitySchemes: Record<string, { readonly description?: string }> }
}

test('docs/api.md lists exactly the routes of /openapi.json', async () => {
  const document = (await (await send('/openapi.json')).json()) as Document
  await expect(asMarkdown(document)).toMatchFileSnapshot('../docs/api.md')
})

function asMarkdown({ tags, paths }: Document): string {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, ...operation })),
  )
  const names = [...new Set(tags.map(({ name }) => name))]
  const tables = names.map((name) => {
    const rows = routes.filter((route) => route.tags.includes(name))
    const lines = rows.map(({ route, summary, security }) => `| \`${route}\` | ${summary} | ${caller(security)} |`)
    return [`## ${name}`, '', '| | | caller |', '|---|---|---|', ...lines, ''].join('\n')
  })
  return [HEAD, ...tables].join('\n')
}

const HEAD = `# Endpoints

Every endpoint of every API. \`/docs\` shows them with their fields; \`/openapi.json\` is for machines.
`

/** How a route knows its caller, by the names of the document's security schemes. */
const CALLERS: Readonly<Record<string, string>> = {
  session: 'session',
  session_bearer: 'session',
  session_cookie: 'session, by cookie',
  credential: 'credential',
  operator: 'operator',
  api_client: 'API client',
  access_token: 'access token',
  access_key: 'access key',
}

function caller(security: readonly Record<string, unknown>[]): string {
  const names = security.map((scheme) => CALLERS[Object.keys(scheme)[0] ?? ''] ?? 'anyone')
  return [...new Set(names)].join(' or ')
}

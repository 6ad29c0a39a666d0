/** What the documents have typed against an account, as they print it: wrangler itself, and a stand-in for Cloudflare's API. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
// @ts-expect-error: a script has no types
import { DEPLOY_CONFIG, readJurisdiction, withIds } from '../../scripts/deploy/resources.mjs'
import { documents, piecesOf } from './support/documents.ts'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

const ROOT = join(import.meta.dirname, '../..')
const DATABASE = '11111111-2222-4333-8444-555555555555'
const [OLD, NEW] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
const BOOKMARK = '00000001-00000002-00000003-abc'
/** What a command asks the account for last, by its beginning. */
const ASKS = new Map([
  ['d1 execute DB', `POST d1/database/${DATABASE}/query`],
  ['d1 export DB', `POST d1/database/${DATABASE}/export`],
  ['d1 time-travel info DB', `GET d1/database/${DATABASE}/time_travel/bookmark`],
  ['d1 time-travel restore DB', `POST d1/database/${DATABASE}/time_travel/restore?bookmark=${BOOKMARK}`],
  ['rollback', `POST workers/scripts/latchkey/deployments ${OLD}`],
  ['secret put', 'PUT workers/scripts/latchkey/secrets'],
  ['secret delete', 'DELETE workers/scripts/latchkey/secrets/OPERATOR_RECOVERY_SECRET'],
])

let project: ProjectCopy
let account: Server
let asked: string[]
const database = new DatabaseSync(':memory:')

beforeAll(async () => {
  const migrations = join(ROOT, 'migrations')
  for (const file of readdirSync(migrations).filter((name) => name.endsWith('.sql'))) {
    database.exec(readFileSync(join(migrations, file), 'utf8'))
  }
  account = createServer(async (request, response) => response.end(await answer(request)))
  await new Promise<void>((resolve) => account.listen(0, '127.0.0.1', resolve))
  project = copyProject()
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')
  const ids = { databaseId: DATABASE, namespaceId: 'f'.repeat(32) }
  writeFileSync(join(project.directory, DEPLOY_CONFIG), withIds(toml, ids))
})

afterAll(() => {
  account.close()
  project.remove()
})

async function answer(request: IncomingMessage): Promise<string> {
  const body = (await request.toArray()).join('')
  const [, path = ''] = /^\/accounts\/an-account\/(.*)/.exec(request.url ?? '') ?? []
  if (path === '') return 'CREATE TABLE copied (id);'
  const [version = ''] = path.endsWith('/deployments') ? (/[\d-]{36}/.exec(body) ?? []) : []
  asked.push(`${request.method} ${path.replace(/\?(?:url_encoded=true)?$/, '')} ${version}`.trim())
  const result = resultOf(path, body)
  return JSON.stringify({ success: true, errors: [], messages: [], result })
}

function resultOf(path: string, body: string): unknown {
  const version = (id: string) => ({ version_id: id, percentage: 100 })
  const from = { source: 'wrangler', author_email: 'a@example.com', created_on: '2026-11-29T00:00:00Z' }
  const deployment = (id: string) => ({ id, strategy: 'percentage', ...from, versions: [version(id)] })
  if (path.endsWith('/query'))
    return [{ results: database.prepare(JSON.parse(body).sql).all(), success: true, meta: {} }]
  if (path.endsWith('/export')) {
    const result = { filename: 'copy.sql', signed_url: `${origin()}/copy.sql` }
    return { success: true, type: 'export', at_bookmark: BOOKMARK, status: 'complete', messages: [], result }
  }
  if (path.includes('/time_travel/')) return { bookmark: BOOKMARK, previous_bookmark: BOOKMARK, message: '' }
  if (path.endsWith('/deployments')) return { deployments: [NEW, OLD].map(deployment) }
  if (path.includes('/versions/')) return { id: OLD, number: 1, metadata: from, annotations: {}, resources: {} }
  return {}
}

function origin(): string {
  return `http://127.0.0.1:${(account.address() as AddressInfo).port}`
}

async function type(command: string, args: readonly string[]): Promise<string> {
  asked = []
  const env = {
    ...process.env,
    HOME: project.directory,
    CLOUDFLARE_API_BASE_URL: origin(),
    CLOUDFLARE_ACCOUNT_ID: 'an-account',
    CLOUDFLARE_API_TOKEN: 'a-token',
    OPERATOR_RECOVERY_SECRET: 'a-secret',
    WRANGLER_SEND_METRICS: 'false',
  }
  const run = promisify(execFile)(command, args, { cwd: project.directory, env })
  run.child.stdin?.end('a value\n')
  return (await run).stdout
}

const commands = documents(ROOT)
  .flatMap((file) => piecesOf(ROOT, file))
  .flatMap(({ text }) => text.split('\n'))
  .filter((line) => line.includes('npm exec -- wrangler') && line.includes(DEPLOY_CONFIG))

test.each([...new Set(commands)])('%s', async (command) => {
  await type('sh', ['-euc', command])
  const [, ask] = [...ASKS].find(([start]) => command.includes(`wrangler ${start}`)) ?? []
  expect(asked.at(-1)).toBe(ask)
})

test('the documents have a command of each kind', () => {
  const idle = [...ASKS.keys()].filter((start) => !commands.some((command) => command.includes(`wrangler ${start}`)))
  expect(idle).toEqual([])
})

test('npm run deploy reads where the objects of a database are', async () => {
  let typed: string[] = []
  let said = '[]'
  const read = (...args: string[]) => {
    typed = args
    return said
  }
  readJurisdiction({ read })
  const wrangler = () => type('npm', ['exec', '--', 'wrangler', ...typed])
  said = await wrangler()
  expect(readJurisdiction({ read })).toBeNull()
  database.exec("INSERT INTO deployment_facts (name, value) VALUES ('jurisdiction', 'eu')")
  said = await wrangler()
  expect(readJurisdiction({ read })).toBe('eu')
})

/** The client's README and the eight lines of the project's, as they are printed, in an empty folder, against `npm run dev`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { bun } from './support/bun.ts'
import { piecesOf } from './support/documents.ts'
import { type Served, serve } from './support/served.ts'

const ROOT = join(import.meta.dirname, '../..')
const README = 'packages/client/README.md'
const run = promisify(execFile)

let server: Served
/** Where the page has its reader: beside Latchkey's folder. */
let beside: string
let folder: string

beforeAll(async () => {
  server = await serve()
  beside = mkdtempSync(join(tmpdir(), 'latchkey-readme-'))
  const state = join(beside, 'latchkey/.wrangler/state')
  mkdirSync(state, { recursive: true })
  writeFileSync(join(state, 'dev-credentials.json'), JSON.stringify(server.credentials))
  folder = join(beside, 'application')
  mkdirSync(join(folder, 'node_modules/@hono'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const name of ['latchkey', 'hono', '@hono/node-server', 'express']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
})

afterAll(async () => {
  await server?.stop()
  rmSync(beside, { recursive: true, force: true })
})

/** The block of a page that begins so. */
function block(start: string, page = README): string {
  const piece = piecesOf(ROOT, page).find(({ text }) => text.startsWith(start))
  if (piece === undefined) throw new Error(`${page} has no ${start}`)
  return piece.text
}

function environment(more: Record<string, string> = {}) {
  const { base_url: baseUrl, service } = server.credentials
  return { ...process.env, LATCHKEY_URL: baseUrl, LATCHKEY_CREDENTIAL: service.token, ...more }
}

/** Runs a program in the folder. Answers what it prints. */
async function print(program: string, more: Record<string, string> = {}): Promise<string> {
  writeFileSync(join(folder, 'program.js'), program)
  return (await run('node', ['program.js'], { cwd: folder, env: environment(more) })).stdout.trim()
}

/** The cookie of a new session. */
async function signIn(): Promise<string> {
  const userId = server.credentials.users[0]?.id ?? ''
  const [cookie = ''] = (await print(block('// sign-in.js'), { USER_ID: userId })).split(';')
  return cookie
}

/** What is asked of both applications, and what they answer. */
async function expectProtected(ask: (path: string, cookie: string) => Promise<Response>): Promise<void> {
  const cookie = await signIn()
  expect(cookie).toMatch(/^__Host-sessionid=./)
  expect((await ask('/account', '')).status).toBe(401)
  const account = await ask('/account', cookie)
  expect([account.status, await account.text()]).toEqual([200, server.credentials.users[0]?.id])
  expect((await ask('/pay', cookie)).status).toBe(200)
}

test('the eight lines on Hono are the project’s, are eight, and protect', async () => {
  const lines = block('// app.js: Hono')
  expect(block('// app.js: Hono', 'README.md')).toBe(lines)
  expect(lines.split('\n').filter((line) => /^(import|const|app)/.test(line))).toHaveLength(8)
  writeFileSync(join(folder, 'app.js'), lines)
  await expectProtected(async (path, cookie) => {
    const program = `import app from './app.js'
const answer = await app.request('${path}', { headers: { cookie: '${cookie}' } })
console.log(JSON.stringify({ status: answer.status, text: await answer.text() }))`
    const { status, text } = JSON.parse(await print(program))
    return new Response(text, { status })
  })
})

test('those of a Worker ask its binding', async () => {
  writeFileSync(join(folder, 'worker.js'), block('// worker.js'))
  const program = `import app from './worker.js'
const LATCHKEY = { check: async ({ token, maxAgeSeconds }) => ({ ok: true, value: { user_id: token + maxAgeSeconds } }) }
const answer = await app.request('/account', { headers: { cookie: '__Host-sessionid=ada' } }, { LATCHKEY })
console.log(await answer.text(), (await app.request('/account', {}, { LATCHKEY })).status)`
  expect(await print(program)).toBe('ada5 401')
})

test('those on Express protect', async () => {
  writeFileSync(join(folder, 'app.js'), block('// app.js: Express'))
  const port = await freePort()
  const child: ChildProcess = spawn('node', ['app.js'], { cwd: folder, env: environment({ PORT: String(port) }) })
  try {
    const url = `http://127.0.0.1:${port}`
    for (let tried = 0; tried < 100; tried += 1) {
      if (
        await fetch(url).then(
          () => true,
          () => false,
        )
      )
        break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await expectProtected((path, cookie) => fetch(url + path, { headers: { cookie } }))
  } finally {
    child.kill()
  }
})

test.each([
  { on: 'Hono', program: 'Hono', start: 'node server.js' },
  { on: 'Express', program: 'Express', start: 'node app.js' },
  ...(bun === undefined ? [] : [{ on: 'Hono in Bun', program: 'Hono', start: `${bun} app.js` }]),
])('the lines to try, on $on, say who is signed in, and refuse who is not', async ({ program, start }) => {
  for (const [name, begins] of [
    ['app.js', `// app.js: ${program}`],
    ['server.js', '// server.js'],
    ['sign-in.js', '// sign-in.js'],
  ] as const) {
    writeFileSync(join(folder, name), block(begins))
  }
  const port = String(await freePort())
  const lines = block('DEMO=').replaceAll('3000', port).replace('node server.js', start)
  const { stdout } = await run('sh', ['-euc', lines], { cwd: folder, env: { ...process.env, PORT: port } })
  expect(stdout).toContain(`http://localhost:${port}`)
  const [, id, refusal = ''] = /^(U\d+)({.*})$/m.exec(stdout) ?? []
  expect([id, JSON.parse(refusal)]).toEqual([
    server.credentials.users[0]?.id,
    expect.objectContaining({ status: 401, code: 'unauthenticated' }),
  ])
})

test('the end of a session is told', async () => {
  const [, token = ''] = (await signIn()).split('=')
  expect(await print(block('// ended.js'), { SESSION_TOKEN: token })).toBe('over: revoked')
})

test('the check tells each state apart', async () => {
  const [, token = ''] = (await signIn()).split('=')
  const check = block('// check.js')
  expect(await print(check, { SESSION_TOKEN: token })).toBe(`active: ${server.credentials.users[0]?.id}`)
  expect(await print(check, { SESSION_TOKEN: 'forged' })).toBe('unauthenticated')
  const end = check.replace(/const check[\s\S]*/, 'await latchkey.sessions.end(process.env.SESSION_TOKEN)')
  await print(end, { SESSION_TOKEN: token })
  expect(await print(check, { SESSION_TOKEN: token })).toBe('ended: revoked')
  expect(await print(check, { SESSION_TOKEN: token, LATCHKEY_URL: 'http://127.0.0.1:9' })).toBe('unavailable')
})

test('the double does what its comment says', async () => {
  expect(await print(block('// test.js'))).toBe('idle')
})

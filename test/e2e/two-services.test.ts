/** Services of one checkout beside each other, and `wrangler dev` without our script. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type DevServer, environmentIn, runDev, startDev } from './support/dev-server.ts'
import { piecesOf } from './support/documents.ts'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

const STARTED_WITHIN = { timeout: 120_000, interval: 200 }
// Several starts each, and a machine may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let project: ProjectCopy
let elsewhere: string

beforeAll(() => {
  project = copyProject()
  elsewhere = mkdtempSync(join(tmpdir(), 'latchkey-state-'))
})

afterAll(() => {
  project.remove()
  rmSync(elsewhere, { recursive: true, force: true })
})

/** `npx wrangler dev`, as a person types it. */
function typeWrangler(...args: string[]) {
  const child: ChildProcess = spawn('npx', ['wrangler', 'dev', '--show-interactive-dev-session=false', ...args], {
    cwd: project.directory,
    detached: true,
    env: environmentIn(project.directory),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      printed += text
    })
  }
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)))
  return {
    ended,
    output: () => printed,
    stop: async () => {
      process.kill(-(child.pid ?? 0), 'SIGINT')
      await ended
    },
  }
}

/** What a shell prints in the project's directory; rejects where it fails. */
async function shell(script: string, env: Record<string, string> = {}): Promise<string> {
  const options = { cwd: project.directory, env: { ...process.env, ...env } }
  return (await promisify(execFile)('sh', ['-euc', script], options)).stdout
}

async function answer(url: string, init?: RequestInit) {
  const response = await fetch(url, init)
  return [response.status, await response.json()] as const
}

function signIn(server: DevServer, headers: Record<string, string> = {}) {
  const { username, password } = server.credentials.users[0] ?? {}
  return fetch(`${server.credentials.base_url}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ username, password, transport: 'cookie' }),
  })
}

test('`npx wrangler dev` in a fresh checkout says on every path what to type', async () => {
  const port = await freePort()
  const wrangler = typeWrangler('--port', String(port))
  try {
    for (const path of ['/', '/healthz', '/sessions/current', '/operator/identity-stores', '/api/auth.test']) {
      const [status, body] = await vi.waitFor(() => answer(`http://127.0.0.1:${port}${path}`), STARTED_WITHIN)
      expect([path, status, body]).toMatchObject([path, 503, { detail: expect.stringContaining('npm run dev') }])
    }
  } finally {
    await wrangler.stop()
  }
})

describe('two services of one checkout', () => {
  let first: DevServer
  let second: DevServer

  beforeAll(async () => {
    first = await startDev(project.directory, ['--port', String(await freePort())])
  })
  afterAll(async () => {
    await first?.stop()
    await second?.stop()
  })

  /** It listens for the network, and is told of one more origin. */
  async function startSecond(): Promise<void> {
    if (second !== undefined) return
    const args = ['--port', String(await freePort()), '--persist-to', elsewhere, '--ip', '0.0.0.0']
    second = await startDev(
      project.directory,
      [...args, '--var', 'PUBLIC_ORIGINS:http://latchkey.test:8787'],
      elsewhere,
    )
  }

  test('run beside each other: one that is used notices nothing of the start of another', async () => {
    const generated = [
      'latchkey/wrangler.json',
      'latchkey/.dev.vars',
      'application-server/.dev.vars',
      'assets/docs.html',
    ]
    const times = () => generated.map((name) => statSync(join(project.directory, '.wrangler/state/dev', name)).mtimeMs)
    const before = times()
    let using = true
    const statuses: number[] = []
    const use = (async () => {
      const cookie = (await signIn(first)).headers.get('set-cookie')?.split(';')[0] ?? ''
      while (using) {
        const response = await fetch(`${first.credentials.base_url}/sessions/current`, { headers: { cookie } })
        statuses.push(response.status)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })()
    await startSecond()
    using = false
    await use
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(statuses.length).toBeGreaterThan(20)
    expect(times()).toEqual(before)
    expect(first.output()).not.toMatch(/Reloading|restart/i)
    for (const server of [first, second]) expect((await signIn(server)).status).toBe(201)
    const docs = await fetch(`${second.credentials.base_url}/docs`)
    expect(docs.status).toBe(200)
    expect(second.credentials.operator_token).not.toBe(first.credentials.operator_token)
  })

  test('a third one is refused the directory of either, in one line, however it is started', async () => {
    const port = String(await freePort())
    for (const directory of [join(project.directory, '.wrangler/state'), elsewhere]) {
      const third = await runDev(project.directory, ['--port', port, '--persist-to', directory])
      expect(third.code).toBe(1)
      expect(third.output.trim().split('\n').slice(2).filter(Boolean)).toEqual([
        expect.stringMatching(`^${directory} is in use by process \\d+: .*--persist-to DIR$`),
      ])
    }
    const wrangler = typeWrangler('--port', port, '--persist-to', elsewhere)
    expect(await wrangler.ended).not.toBe(0)
    expect(wrangler.output()).toContain(`${elsewhere} is in use by process`)
    for (const server of [first, second]) expect((await signIn(server)).status).toBe(201)
  })

  test('one that listens for the network takes sign-ins of pages under its addresses, and of the origin it was told', async () => {
    await startSecond()
    const port = new URL(second.credentials.base_url).port
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    const lan = all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
    const origins = ['http://latchkey.test:8787', `http://localhost:${port}`, ...(lan ? [`http://${lan}:${port}`] : [])]
    for (const origin of origins) expect([origin, (await signIn(second, { origin })).status]).toEqual([origin, 201])
    expect((await signIn(second, { origin: 'http://elsewhere.test' })).status).toBe(403)
    if (lan === undefined) return
    const response = await fetch(`http://${lan}:${port}/sessions/current`)
    expect(response.status).toBe(401)
  })

  test('the directory of one that was killed is taken over', async () => {
    const before = second.credentials
    await second.kill('script')
    second = await startDev(
      project.directory,
      ['--port', String(await freePort()), '--local-protocol', 'https', '--persist-to', elsewhere],
      elsewhere,
    )
    expect(second.credentials.operator_token).toBe(before.operator_token)
  })

  test('one serves https, and its lines work', async () => {
    expect(second.credentials.base_url).toMatch(/^https:/)
    const lines = second.output().match(/^ *(?:curl|ACCESS_KEY=).*$/gm) ?? []
    expect(lines.length).toBeGreaterThanOrEqual(8)
    for (const line of lines)
      expect([line, await shell(`${line} -w '\\n%{http_code}'`)]).toEqual([line, expect.stringMatching(/\n2\d\d$/)])
  })
})

describe('`npx wrangler dev` once there are secrets', () => {
  test('says which migration is missing; once they are applied it works, and makes a first operator once', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'latchkey-state-'))
    const port = String(await freePort())
    const url = `http://127.0.0.1:${port}`
    const secret = /^OPERATOR_BOOTSTRAP_SECRET=(.*)$/m.exec(readFileSync(join(project.directory, '.dev.vars'), 'utf8'))
    const documented = (path: string) => {
      const pieces = piecesOf(project.directory, 'docs/operating.md')
      const text = pieces.find((piece) => piece.language === 'sh' && piece.text.includes(path))?.text ?? ''
      return text.replace('https://sessions.example.com', url)
    }
    const bootstrap = () => shell(documented('/bootstrap'), { OPERATOR_BOOTSTRAP_SECRET: secret?.[1] ?? '' })
    const recovery = 'a recovery secret that was never used'.replaceAll(' ', '-')
    // What makes the secret and hands it to the account: here it is a variable.
    const standIns = `node() { echo ${recovery}; }; npm() { :; };`
    const recover = () => shell(`${standIns} ${documented('/recovery')}`)
    const given = ['--var', `OPERATOR_RECOVERY_SECRET:${recovery}`]
    const wrangler = typeWrangler('--port', port, '--persist-to', directory, ...given)
    try {
      const [status, body] = await vi.waitFor(() => answer(`${url}/healthz`), STARTED_WITHIN)
      const detail = expect.stringMatching(/^The database lacks 0000_foundation\.sql.* npm run dev/)
      expect([status, body]).toMatchObject([503, { bindings: { d1: true }, detail }])
      const authorization = `Bearer ${secret?.[1]}`
      expect(
        await answer(`${url}/operator/bootstrap`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json' },
          body: '{"name":"first"}',
        }),
      ).toMatchObject([503, { code: 'schema_behind', detail }])
      await shell(`npx wrangler d1 migrations apply DB --local --persist-to ${directory} < /dev/null`)
      expect((await answer(`${url}/healthz`))[0]).toBe(200)
      expect(JSON.parse(await bootstrap())).toMatchObject({ token: expect.any(String) })
      await expect(bootstrap()).rejects.toThrow('409')
      expect(JSON.parse(await recover())).toMatchObject({ token: expect.any(String) })
      await expect(recover()).rejects.toThrow('409')
    } finally {
      await wrangler.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

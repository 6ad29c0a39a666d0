// express-session in Node, with its SQLite and its Redis store.
import { fork, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cookiesOf, mustBe } from './answers.mjs'

const SERVER = fileURLToPath(new URL('../workers/express-session.mjs', import.meta.url))
const START_TIMEOUT_MILLISECONDS = 10_000

/** Starts it on SQLite. Answers its scenarios and how to stop it. */
export async function startExpressSqlite() {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const server = await start('sqlite', join(directory, 'sessions.db'))
  return {
    scenarios: { express_sqlite: server.scenario },
    stop: async () => {
      server.stop()
      rmSync(directory, { recursive: true })
    },
  }
}

/** Starts it on a Redis of its own, where there is one. Answers its scenarios and how to stop it. */
export async function startExpressRedis() {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    throw new Error('redis-server is not installed (Debian: apt-get install redis-server)')
  }
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const socket = join(directory, 'redis.sock')
  const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', directory]
  const redis = spawn('redis-server', options, { stdio: 'ignore' })
  process.once('exit', () => redis.kill())
  await untilListening(socket)
  const server = await start('redis', socket)
  return {
    scenarios: { express_redis: server.scenario },
    stop: async () => {
      server.stop()
      redis.kill()
      rmSync(directory, { recursive: true })
    },
  }
}

async function start(kind, place) {
  const child = fork(SERVER, [kind, place], {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: ['--no-warnings'],
  })
  const port = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('it does not start')), START_TIMEOUT_MILLISECONDS)
    child.once('message', (message) => {
      clearTimeout(late)
      resolve(message.port)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)))
  })
  const url = `http://127.0.0.1:${port}`
  const headers = { cookie: cookiesOf(await mustBe(204, fetch(`${url}/sign-in`, { method: 'POST' }))) }
  await mustBe(200, fetch(`${url}/check`, { headers }))
  return {
    scenario: { url, pid: child.pid, status: 200, requests: [{ path: '/check', headers }] },
    stop: () => child.kill(),
  }
}

async function untilListening(socket) {
  for (const until = Date.now() + START_TIMEOUT_MILLISECONDS; Date.now() < until; ) {
    const listening = await new Promise((resolve) => {
      const connection = createConnection(socket)
      connection.once('connect', () => resolve(true))
      connection.once('error', () => resolve(false))
      connection.once('close', () => connection.destroy())
      connection.once('connect', () => connection.end())
    })
    if (listening) return
    await new Promise((go) => setTimeout(go, 50))
  }
  throw new Error('redis-server does not start')
}

// `npm run streams -- --streams 1000`: so many sessions, each listened to, half of them by WebSockets and half by
// server-sent events. All users are disabled: how long after the end of a session its stream is told, and the memory that it
// took.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { residentBytesOfRuntimes, startServer } from './crash/server.mjs'

const SESSIONS_OF_USER = 20
const AT_ONCE = 16
const PATIENCE_MILLISECONDS = 60_000

const streams = Number(parseArgs({ options: { streams: { type: 'string', default: '1000' } } }).values.streams)
if (!Number.isInteger(streams) || streams < 2 || streams > 5_000) throw new Error('--streams takes 2 to 5000')

const directory = mkdtempSync(join(tmpdir(), 'latchkey-streams-'))
const server = await startServer(await freePort(), directory)
const { base_url: baseUrl, operator_token: operator, identity_store_id: storeId, service } = server.credentials
const store = `/operator/identity-stores/${storeId}`
const users = Array.from({ length: Math.ceil(streams / SESSIONS_OF_USER) }, (_, index) => `listened-${index}`)
/** When and what each was told. */
const told = []

try {
  await call('POST', `${store}/users`, operator, {
    users: users.map((userId) => ({ user_id: userId, username: `${userId}@listened.example`, role: 'member' })),
  })
  const tokens = await each(
    Array.from({ length: streams }, (_, index) => index),
    async (index) => {
      const client = { address: '192.0.2.7', user_agent: 'Device' }
      const opening = { user_id: users[Math.floor(index / SESSIONS_OF_USER)], client }
      return (await call('POST', '/sessions', service.token, opening)).token
    },
  )
  const before = residentBytesOfRuntimes()
  await each(tokens, (token, index) => (index % 2 === 0 ? listen(token) : listenByEvents(token)))
  const held = residentBytesOfRuntimes() - before
  await Promise.all(users.map((userId) => call('PATCH', `${store}/users/${userId}`, operator, { active: false })))
  await untilTold()
  const times = told.map(({ at, message }) => at - Date.parse(message.ended_at)).toSorted((a, b) => a - b)
  const wrong = told.filter(({ message }) => message.type !== 'ended' || message.reason !== 'user_disabled')
  if (wrong.length > 0) throw new Error(`told otherwise: ${JSON.stringify(wrong.slice(0, 5))}`)
  console.log(
    `${streams} streams of ${streams} sessions of ${users.length} users: ${Math.round(held / streams / 1024)} KiB each`,
  )
  console.log(`each was told ${times.at(-1)} ms after its end at most, ${times[times.length >> 1]} ms in the middle`)
} finally {
  await server.stop()
  rmSync(directory, { recursive: true })
}
process.exit()

function listen(token) {
  const socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/sessions/current/events`, {
    headers: { authorization: `Bearer ${token}` },
  })
  socket.onmessage = ({ data }) => told.push({ at: Date.now(), message: JSON.parse(data) })
  return new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('a stream was refused'))
  })
}

async function listenByEvents(token) {
  const response = await fetch(`${baseUrl}/sessions/current/events`, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  const decoder = new TextDecoder()
  const read = async () => {
    for await (const chunk of response.body) {
      const [, data] = /^data: (.*)$/m.exec(decoder.decode(chunk)) ?? []
      if (data !== undefined) told.push({ at: Date.now(), message: JSON.parse(data) })
    }
  }
  read().catch(() => undefined)
}

async function untilTold() {
  for (const until = Date.now() + PATIENCE_MILLISECONDS; told.length < streams; ) {
    if (Date.now() > until) throw new Error(`${streams - told.length} of ${streams} were not told`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Does something for each, some at a time. */
async function each(list, act) {
  const results = []
  let next = 0
  const work = async () => {
    while (next < list.length) {
      const index = next++
      results[index] = await act(list[index], index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return results
}

async function call(method, path, token, body) {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

// `npm run webhooks -- --rounds 10`: sessions are opened and ended and the config is changed while processes are killed
// with SIGKILL. Three endpoints, a good one, a slow one and one that refuses every second event at first, must each be
// told everything that D1 says has happened, each time with one id and one body, and nothing else.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Webhook } from 'standardwebhooks'
import { openLocalDatabase } from '../e2e/support/local-database.ts'
import { freePort } from '../support/free-port.ts'
import { startServer, untilServing } from './crash/server.mjs'

const CLIENTS = 4
/** Load before the kill, in milliseconds: at random between these. */
const LOAD_MILLISECONDS = { min: 500, max: 2_000 }
const SLOW_MILLISECONDS = 300
const POLL_MILLISECONDS = 250
/** A message that was on its way is sent again half a minute later, a look that was lost comes within a minute. */
const PATIENCE_MILLISECONDS = 150_000
const PAUSE_MILLISECONDS = 100

const rounds = Number(parseArgs({ options: { rounds: { type: 'string', default: '10' } } }).values.rounds)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) throw new Error('--rounds takes 1 to 1000')

const directory = mkdtempSync(join(tmpdir(), 'latchkey-webhooks-'))
const port = await freePort()
let server = await startServer(port, directory)
const { base_url: baseUrl, operator_token: operator, identity_store_id: storeId, service } = server.credentials
const store = `/operator/identity-stores/${storeId}`
const users = Array.from({ length: CLIENTS }, (_, index) => `told-${index}`)
const receivers = []
let done = false
let stop = false

try {
  await call('POST', `${store}/users`, operator, {
    users: users.map((userId) => ({ user_id: userId, username: `${userId}@told.example`, role: 'member' })),
  })
  const before = openLocalDatabase(directory)
  const known = new Set(sessionsIn(before).map(({ session_id: id }) => id))
  before.close()
  receivers.push(
    await receive('good', () => 204),
    await receive('slow', () => pause(SLOW_MILLISECONDS).then(() => 200)),
    await receive('failing', (_id, times, place) => (place % 2 === 1 && times === 1 ? 500 : 200)),
  )
  for (let round = 1; round <= rounds; round += 1) await run(round)
  const events = await untilTold()
  const findings = [...eventsAgainstRecords(events, known), ...receivers.flatMap((one) => one.findings)]
  if (findings.length > 0) throw new Error(`${findings.length} findings:\n${findings.slice(0, 50).join('\n')}`)
  const sent = receivers.map(({ name, received }) => `${received} to the ${name} one`).join(', ')
  console.log(`${rounds} rounds: ${events.length} events, each told to all three: ${sent} messages`)
  console.log(`from the end of a session to its arrival at the good one: ${medianDelay(receivers[0])} ms in the middle`)
  done = true
} finally {
  stop = true
  await server.stop()
  for (const { http } of receivers) http.close()
  if (done) rmSync(directory, { recursive: true })
  else console.error(`The data is kept: ${directory}`)
}

async function run(round) {
  stop = false
  const load = Promise.all([...users.map(openAndEnd), changeConfig()])
  load.catch(() => undefined)
  const milliseconds = LOAD_MILLISECONDS.min + Math.random() * (LOAD_MILLISECONDS.max - LOAD_MILLISECONDS.min)
  await pause(milliseconds)
  const everything = round % 3 === 0
  if (everything) {
    await server.killEverything()
    server = await startServer(port, directory)
  } else server.killRuntime()
  await untilServing(baseUrl)
  stop = true
  await load
  console.log(
    `round ${round}: ${everything ? 'everything' : 'the runtime'} killed after ${Math.round(milliseconds)} ms`,
  )
}

/** What is not answered may have been done or not: D1 says it at last. */
async function openAndEnd(userId) {
  while (!stop) {
    const client = { address: '192.0.2.7', user_agent: 'Device' }
    const opened = await attempt('POST', '/sessions', service.token, { user_id: userId, client })
    if (opened !== null) await attempt('DELETE', '/sessions/current', opened.token)
  }
}

async function changeConfig() {
  for (let seconds = 3_600; !stop; seconds += 1) {
    await attempt('PATCH', `${store}/session-config`, operator, { overall_timeout_seconds: seconds })
    await pause(PAUSE_MILLISECONDS)
  }
}

/** A receiver, and the endpoint that is to tell it. `answer` is asked with how often the event has come. */
async function receive(name, answer) {
  const messages = new Map()
  const one = { name, messages, received: 0, findings: [], http: null }
  let webhook
  one.http = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const id = request.headers['webhook-id']
    try {
      webhook.verify(body, request.headers)
    } catch (error) {
      one.findings.push(`${name} was sent ${id} with ${error}`)
    }
    const message = messages.get(id) ?? { body, times: 0, place: messages.size, at: Date.now() }
    if (message.body !== body) one.findings.push(`${name} was sent ${id} with two bodies`)
    message.times += 1
    one.received += 1
    messages.set(id, message)
    response.writeHead(await answer(id, message.times, message.place)).end()
  })
  await new Promise((resolve) => one.http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${one.http.address().port}/`
  const made = await call('POST', `${store}/event-endpoints`, operator, { kind: 'webhook', url })
  webhook = new Webhook(made.secret)
  return one
}

/** Waits until every session is in D1 as its object has it, and everybody has taken every event; answers these. */
async function untilTold() {
  for (const until = Date.now() + PATIENCE_MILLISECONDS; ; await pause(POLL_MILLISECONDS)) {
    const events = await allEvents()
    const left = receivers.map(({ messages }) => events.filter(({ id }) => !messages.has(id)).length)
    const states = await Promise.all(
      (await call('GET', `${store}/event-endpoints`, operator)).endpoints.map(({ endpoint_id: id }) =>
        call('GET', `${store}/event-endpoints/${id}/deliveries?limit=1`, operator),
      ),
    )
    const pending = states.reduce((sum, state) => sum + state.pending, 0)
    if (pending === 0 && left.every((count) => count === 0)) {
      for (const { name, messages, findings } of receivers) {
        const invented = [...messages.keys()].filter((id) => !events.some((event) => event.id === id))
        findings.push(...invented.map((id) => `${name} was told ${id}, which did not happen`))
      }
      return events
    }
    if (Date.now() > until) throw new Error(`${pending} wait, and not told are ${left.join(', ')}`)
  }
}

async function allEvents() {
  const events = []
  for (let query = ''; ; ) {
    const page = await call('GET', `${store}/events?limit=1000${query}`, operator)
    events.push(...page.events)
    if (page.events.length === 0) return events
    query = `&after=${page.next}`
  }
}

/** What D1 says of its sessions, and what the events say. */
function eventsAgainstRecords(events, known) {
  const count = (type, id) => events.filter((event) => event.type === type && event.data.session_id === id).length
  const database = openLocalDatabase(directory)
  try {
    return sessionsIn(database)
      .filter(({ session_id: id }) => !known.has(id))
      .flatMap(({ session_id: id, ended_at: endedAt }) => {
        const told = [count('session.opened', id), count('session.ended', id)]
        const right = [1, endedAt === null ? 0 : 1]
        return String(told) === String(right) ? [] : [`${id} was told ${told} times, not ${right}`]
      })
  } finally {
    database.close()
  }
}

function medianDelay({ messages }) {
  const ends = [...messages.values()].map(({ body, at }) => ({ ...JSON.parse(body), at }))
  const delays = ends
    .filter(({ type }) => type === 'session.ended')
    .map(({ timestamp, at }) => at - Date.parse(timestamp))
  return delays.toSorted((a, b) => a - b)[Math.floor(delays.length / 2)]
}

function sessionsIn(database) {
  return database.prepare('SELECT session_id, ended_at FROM sessions WHERE identity_store_id = ?').all(storeId)
}

/** An answer; null where there is none, or no good one. */
async function attempt(method, path, token, body) {
  try {
    return await call(method, path, token, body)
  } catch {
    await pause(PAUSE_MILLISECONDS)
    return null
  }
}

async function call(method, path, token, body) {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

// `npm run end-job -- --sessions 5000`: a job ends all sessions of a store that fit a filter, everything is killed with
// SIGKILL in its middle, several times, and started again. It must end exactly what was there when it was asked for.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openLocalDatabase } from '../e2e/support/local-database.ts'
import { freePort } from '../support/free-port.ts'
import { startServer } from './crash/server.mjs'

const AT_ONCE = 16
const TRIES = 100
const POLL_MILLISECONDS = 100
const PATIENCE_MILLISECONDS = 120_000
const SESSIONS_OF_A_USER = 4
/** Else a job would be done before anybody could ask how much of it is left, and kill what does it. */
const MIN_OVER_SECONDS = 20
const ENDS_PER_SECOND = 40
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile'
const DESK = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'

const sessions = Number(parseArgs({ options: { sessions: { type: 'string', default: '5000' } } }).values.sessions)
const users = Array.from({ length: Math.ceil(sessions / SESSIONS_OF_A_USER) }, (_, index) => `end-${index}`)
const directory = mkdtempSync(join(tmpdir(), 'latchkey-end-job-'))
const port = await freePort()
let server = await startServer(port, directory)
const { base_url: baseUrl, operator_token: operator, identity_store_id: storeId, service } = server.credentials
const store = `/operator/identity-stores/${storeId}`
let done = false

try {
  for (let at = 0; at < users.length; at += 1_000) {
    const batch = users.slice(at, at + 1_000)
    await call('POST', `${store}/users`, operator, {
      users: batch.map((userId) => ({ user_id: userId, username: `${userId}@end.example`, role: 'member' })),
    })
  }
  const previewed = await openMany(sessions, PHONE)
  const others = await openMany(users.length, DESK)
  await untilIn(new Set([...previewed, ...others]), (row) => row !== undefined)
  const filter = { client_kind: 'mobile' }
  const job = await call('POST', `${store}/sessions/end`, operator, {
    filter,
    expected: sessions,
    over_seconds: Math.max(MIN_OVER_SECONDS, Math.ceil(sessions / ENDS_PER_SECOND)),
  })
  if (job.left !== sessions) throw new Error(`${job.left} are to be ended, not ${sessions}`)
  // Opened after the request: these stay.
  const later = await openMany(10, PHONE)
  let kills = 0
  for (const share of [0.8, 0.5, 0.2]) {
    const left = await untilLeft(job.job_id, sessions * share)
    if (left === 0) break
    await server.killEverything()
    kills += 1
    console.log(`killed everything with ${left} of ${sessions} left`)
    server = await startServer(port, directory)
  }
  const state = await untilLeft(job.job_id, 0)
  if (kills === 0) throw new Error('it was done before anything was killed')
  await untilIn(new Set(previewed), (row) => row?.ended_at !== null && row?.end_reason === 'revoked')
  await untilIn(new Set([...others, ...later]), (row) => row?.ended_at === null)
  const ended = []
  for (let cursor = '0'; cursor !== null; ) {
    const page = await call('GET', `${store}/jobs/${job.job_id}/results?limit=1000&cursor=${cursor}`, operator)
    ended.push(...page.results.filter(({ outcome }) => outcome === 'ended').map((one) => one.session_id))
    cursor = page.next_cursor
  }
  const missing = previewed.filter((id) => !ended.includes(id))
  if (missing.length > 0 || ended.length !== sessions) throw new Error(`${missing.length} ended by nobody's word`)
  console.log(
    `${sessions} sessions ended, ${kills} kills, ${state} left, ${others.length + later.length} others untouched`,
  )
  done = true
} finally {
  await server.stop()
  if (done) rmSync(directory, { recursive: true })
  else console.error(`The data is kept: ${directory}`)
}

async function openMany(count, userAgent) {
  const ids = []
  const client = { address: '192.0.2.7', user_agent: userAgent }
  let next = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        const userId = users[next++ % users.length]
        ids.push((await call('POST', '/sessions', service.token, { user_id: userId, client })).id)
      }
    }),
  )
  return ids
}

/** Waits until D1 says of all these sessions what it should. */
async function untilIn(ids, isRight) {
  const database = openLocalDatabase(directory)
  try {
    for (const until = Date.now() + PATIENCE_MILLISECONDS; ; ) {
      const rows = database.prepare('SELECT session_id, ended_at, end_reason FROM sessions').all()
      const records = new Map(rows.map((row) => [row.session_id, row]))
      const wrong = [...ids].filter((id) => !isRight(records.get(id)))
      if (wrong.length === 0) return
      if (Date.now() > until) throw new Error(`${wrong.length} of ${ids.size} are wrong in D1, such as ${wrong[0]}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
    }
  } finally {
    database.close()
  }
}

async function untilLeft(jobId, most) {
  for (const until = Date.now() + PATIENCE_MILLISECONDS; Date.now() < until; ) {
    const { left } = await call('GET', `${store}/jobs/${jobId}`, operator)
    if (left <= most) return left
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
  }
  throw new Error(`more than ${most} left`)
}

async function call(method, path, token, body) {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.ok) return text === '' ? null : JSON.parse(text)
    if (response.status !== 503 || tries === TRIES) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
  }
}

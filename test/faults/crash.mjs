// `npm run crash -- --rounds 20`: clients open and end sessions over HTTP while processes are killed with SIGKILL.
// Nothing that was acknowledged may be lost, no ended session alive, D1 must catch up, and no job be left.
// Two rounds of three kill the runtime (wrangler restarts it), the third one everything (we restart it).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { callsOf } from './crash/calls.mjs'
import { disableAndEnable, openAndEnd } from './crash/clients.mjs'
import { Ledger } from './crash/ledger.mjs'
import { startServer, untilServing } from './crash/server.mjs'
import { answered, checkSessions, untilDead, untilMirrored, untilNoJobs } from './crash/verdict.mjs'

const USERS = ['crash-1', 'crash-2', 'crash-3']
const BLOCKED_USER = 'crash-blocked'
const CLIENTS = 6
/** Load before the kill, in milliseconds: at random between these. */
const LOAD_MILLISECONDS = { min: 500, max: 2_000 }

const rounds = Number(parseArgs({ options: { rounds: { type: 'string', default: '20' } } }).values.rounds)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) throw new Error('--rounds takes 1 to 1000')

const directory = mkdtempSync(join(tmpdir(), 'latchkey-crash-'))
const port = await freePort()
const ledger = new Ledger()
let server = await startServer(port, directory)
const { credentials } = server
const calls = callsOf(credentials)
const findings = []

try {
  await answered(() => calls.createUsers([...USERS, BLOCKED_USER]))
  for (let round = 1; round <= rounds && findings.length === 0; round += 1) findings.push(...(await run(round)))
  if (findings.length === 0) findings.push(...(await finish()))
} finally {
  await server.stop()
}
if (findings.length > 0) {
  console.error(`${findings.length} findings:\n${findings.slice(0, 50).join('\n')}\nThe data is kept: ${directory}`)
  process.exitCode = 1
} else {
  rmSync(directory, { recursive: true })
  console.log(`${rounds} rounds: ${ledger.opens} opens and ${ledger.ends} ends acknowledged, none lost`)
}

async function run(round) {
  const before = { opens: ledger.opens, ends: ledger.ends, unanswered: ledger.unanswered }
  const everything = round % 3 === 0
  const loadMilliseconds = between(LOAD_MILLISECONDS)
  let stop = false
  const common = { calls, ledger, round, stopped: () => stop }
  const clients = [
    ...Array.from({ length: CLIENTS }, () => openAndEnd({ ...common, userIds: USERS })),
    disableAndEnable({ ...common, userId: BLOCKED_USER }),
  ]
  // A client that fails is heard of below; until then it is not unhandled.
  const done = Promise.all(clients)
  done.catch(() => undefined)

  await new Promise((resolve) => setTimeout(resolve, loadMilliseconds))
  const killedAt = Date.now()
  if (everything) {
    await server.killEverything()
    server = await startServer(port, directory)
  } else server.killRuntime()
  await untilServing(credentials.base_url)
  const downMilliseconds = Date.now() - killedAt
  stop = true
  await done

  await settleBlockedUser()
  const touched = [...ledger.sessions.values()].filter((session) => session.round === round)
  const wrong = await checkSessions(calls, ledger, touched)
  console.log(
    `round ${round}: ${everything ? 'everything' : 'the runtime'} killed after ${loadMilliseconds} ms, serving after ` +
      `${downMilliseconds} ms; ${ledger.opens - before.opens} opened, ${ledger.ends - before.ends} ended, ` +
      `${ledger.unanswered - before.unanswered} unanswered, ${touched.length} checked`,
  )
  return wrong
}

/** A disabling without an answer may have happened or not. If it has, the sessions must end; then it is undone. */
async function settleBlockedUser() {
  if (await answered(() => calls.isActive(BLOCKED_USER))) return
  const theirs = [...ledger.sessions.values()].filter(
    ({ userId, state }) => userId === BLOCKED_USER && state !== 'ended',
  )
  findings.push(...(await untilDead(calls, theirs)))
  for (const session of theirs) ledger.ended(session)
  await answered(() => calls.setActive(BLOCKED_USER, true))
}

async function finish() {
  const checked = await checkSessions(calls, ledger, ledger.sessions.values())
  const started = Date.now()
  const mirrored = await untilMirrored(directory, ledger)
  console.log(`D1 caught up ${Date.now() - started} ms after the last round`)
  return [...checked, ...mirrored, ...(await untilNoJobs(calls))]
}

function between({ min, max }) {
  return Math.round(min + Math.random() * (max - min))
}

// `npm run nine-o-clock`: 500 users come to work and sign in, 20 at a time, at what a password hash costs. Who is told
// to come back does, after `Retry-After`. Prints how it went, and how long hashing alone would have taken.
import { passwordHash, serveLatchkey } from './contenders/latchkey.mjs'
import { startLimits } from './contenders/limits.mjs'
import { cpuMicroseconds } from './processes.mjs'
import { spread } from './spread.mjs'

const USERS = 500
const AT_ONCE = 20
/** As the service makes new hashes. */
const COST = { ln: 14, p: 5 }
const HASHES = 10

/** Signs everybody in. Answers the answers by status, and the times. */
export async function nineOClock({ users = USERS, atOnce = AT_ONCE } = {}) {
  // The limits are those of a deployment, but for the gate: all come from one address, more than it lets pass a minute.
  const service = await serveLatchkey({ variables: { SIGN_IN_FLOOR_MILLISECONDS: '0' } })
  try {
    const ids = await service.makeUsers('office', users, { password_hash: passwordHash(COST.ln, COST.p) })
    const before = await hashAlone()
    const statuses = {}
    const waits = []
    const cpuBefore = cpuMicroseconds(service.pid)
    const startedAt = performance.now()
    const queue = [...ids]
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
          waits.push(await untilIn(service, id, statuses))
        }
      }),
    )
    const milliseconds = performance.now() - startedAt
    const cpuMilliseconds = (cpuMicroseconds(service.pid) - cpuBefore) / 1000
    // Whatever else the machine does has fallen on both sides of it.
    const boundMilliseconds = (users * (before + (await hashAlone()))) / 2
    const refused = waits.length - (statuses[201] ?? 0) + (statuses[503] ?? 0)
    return { users, atOnce, statuses, refused, milliseconds, cpuMilliseconds, boundMilliseconds, wait: spread(waits) }
  } finally {
    await service.stop()
  }
}

/** What a hash takes in a Worker that does nothing else, in milliseconds: the median. */
async function hashAlone() {
  const { scenarios, stop } = await startLimits({ known: 0 })
  try {
    const times = []
    for (let time = 0; time <= HASHES; time += 1) {
      const started = performance.now()
      await (await fetch(`${scenarios.hash.url}/hash`)).arrayBuffer()
      times.push(performance.now() - started)
    }
    return spread(times.slice(1)).median
  } finally {
    await stop()
  }
}

/** Signs in, and again when told to come back. Answers how long it took, in milliseconds. */
async function untilIn(service, userId, statuses) {
  const startedAt = performance.now()
  for (;;) {
    const { path, ...request } = service.signIn(userId)
    const response = await fetch(`${service.url}${path}`, request)
    await response.body?.cancel()
    statuses[response.status] = (statuses[response.status] ?? 0) + 1
    if (response.status !== 503) return performance.now() - startedAt
    await new Promise((go) => setTimeout(go, 1_000 * Number(response.headers.get('retry-after'))))
  }
}

if (import.meta.filename === process.argv[1]) {
  const users = Number(process.argv[2] ?? USERS)
  const { statuses, milliseconds, cpuMilliseconds, boundMilliseconds, wait } = await nineOClock({ users })
  const seconds = (figure) => `${(figure / 1000).toFixed(1)} s`
  console.log(`${users} users, ${AT_ONCE} at a time: ${JSON.stringify(statuses)} (answers by status)`)
  console.log(`${seconds(milliseconds)}; hashing alone ${seconds(boundMilliseconds)}; CPU ${seconds(cpuMilliseconds)}`)
  console.log(`each waited ${seconds(wait.median)} (${seconds(wait.least)} to ${seconds(wait.most)})`)
  process.exit(statuses[201] === users ? 0 : 1)
}

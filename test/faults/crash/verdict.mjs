// Compares what was acknowledged with what the service says, what D1 says, and what is left to do.
import { openLocalDatabase } from '../../e2e/support/local-database.ts'

const CHECKS_AT_ONCE = 8
const CHECK_TRIES = 5
/** A job whose change was never confirmed looks twice, the second time after 40 s. */
const PATIENCE_MILLISECONDS = 90_000
const POLL_MILLISECONDS = 500

/** Checks sessions one by one. Answers what contradicts the ledger. */
export async function checkSessions(calls, ledger, sessions) {
  const found = []
  const queue = [...sessions]
  await Promise.all(
    Array.from({ length: CHECKS_AT_ONCE }, async () => {
      for (let session = queue.pop(); session !== undefined; session = queue.pop()) {
        const finding = ledger.compare(session, await answered(() => calls.check(session.token)))
        if (finding !== null) found.push(finding)
      }
    }),
  )
  return found
}

/** Waits until every session in the ledger stands in D1 as the ledger says. Answers what is still wrong. */
export async function untilMirrored(directory, ledger) {
  const database = openLocalDatabase(directory)
  try {
    return await patiently(() => {
      const rows = database.prepare('SELECT session_id, ended_at FROM sessions').all()
      const records = new Map(rows.map((row) => [row.session_id, row]))
      return [...ledger.sessions.values()].flatMap(({ id, userId, state }) => {
        const record = records.get(id)
        const recorded = record === undefined ? 'nothing' : record.ended_at === null ? 'open' : 'ended'
        return recorded === state ? [] : [`${userId} ${id}: is ${state}, D1 has ${recorded}`]
      })
    })
  } finally {
    database.close()
  }
}

/** Waits until sessions of a disabled user are dead: a job ends them if the request could not. Answers those that live. */
export function untilDead(calls, sessions) {
  return patiently(async () => {
    const alive = []
    for (const { id, userId, token } of sessions) {
      if (await answered(() => calls.check(token))) alive.push(`${userId} ${id}: alive, though the user is disabled`)
    }
    return alive
  })
}

/** Waits until no job is left but looks at what was published. Answers the jobs that are. */
export function untilNoJobs(calls) {
  return patiently(async () => {
    const jobs = await answered(calls.jobs)
    const left = jobs.filter(({ kind, failures }) => kind !== 'publish_config' || failures > 0)
    return left.map((job) => `job not done: ${JSON.stringify(job)}`)
  })
}

/** Asks again where no answer came: only answers count. */
export async function answered(ask) {
  for (let tries = 0; tries < CHECK_TRIES; tries += 1) {
    const answer = await ask()
    if (answer !== null) return answer
  }
  throw new Error('no answer, though it serves')
}

async function patiently(look) {
  const deadline = Date.now() + PATIENCE_MILLISECONDS
  for (;;) {
    const wrong = await look()
    if (wrong.length === 0 || Date.now() > deadline) return wrong
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
  }
}

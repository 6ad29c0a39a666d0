// Clients that put the service under load while it is killed. Bounded: so many acts each, and a round ends.

const MAX_ACTS = 150
/** Of ten acts, so many open a session. */
const OPENS_OF_TEN = 6
/** Wait after an act that got no answer, so that an outage is not used up at once, in milliseconds. */
const PAUSE_MILLISECONDS = 50

/** Opens and ends sessions of some users until told to stop. */
export async function openAndEnd({ calls, ledger, userIds, round, stopped }) {
  const mine = []
  for (let act = 0; act < MAX_ACTS && !stopped(); act += 1) {
    const answered = await (mine.length === 0 || Math.random() * 10 < OPENS_OF_TEN
      ? openOne(calls, ledger, pick(userIds), round, mine)
      : endOne(calls, ledger, mine))
    if (!answered) await unanswered(ledger)
  }
}

async function openOne(calls, ledger, userId, round, mine) {
  const opened = await calls.open(userId)
  if (opened === null) return false
  if (opened === 'refused') throw new Error(`${userId} was refused`)
  ledger.opened(opened.id, userId, opened.token, round)
  mine.push(ledger.sessions.get(opened.id))
  return true
}

async function endOne(calls, ledger, mine) {
  const [session] = mine.splice(Math.floor(Math.random() * mine.length), 1)
  ledger.ending(session)
  const done = await calls.end(session.token)
  if (done) ledger.ended(session)
  return done !== null
}

/**
 * Disables and enables one user, who has sessions, until told to stop. A disabling that was acknowledged has
 * ended them all; one without an answer leaves them unsure.
 */
export async function disableAndEnable({ calls, ledger, userId, round, stopped }) {
  for (let act = 0; act < MAX_ACTS && !stopped(); act += 1) {
    const opened = await calls.open(userId)
    if (opened !== null && opened !== 'refused') ledger.opened(opened.id, userId, opened.token, round)
    const theirs = [...ledger.sessions.values()].filter(
      (session) => session.userId === userId && session.state === 'open',
    )
    for (const session of theirs) ledger.ending(session)
    const disabled = await calls.setActive(userId, false)
    if (disabled) for (const session of theirs) ledger.ended(session)
    const enabled = disabled && (await calls.setActive(userId, true))
    if (!enabled) await unanswered(ledger)
  }
}

async function unanswered(ledger) {
  ledger.unanswered += 1
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS))
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)]
}

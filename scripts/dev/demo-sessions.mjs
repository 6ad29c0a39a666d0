// Fills the demo store with people and a day of their sessions, by the service's own APIs alone, as their callers use
// them: an operator, a trusted back end, and browsers. The service takes nobody's word for an instant: it is one whose
// clock is behind (past/worker.mjs), and which each request sets on.
import {
  CONFIG_CHANGES,
  GROUPS,
  LOCKING_TRIES,
  peopleOf,
  personOf,
  sessionOf,
  turnOf,
  wrongPasswordsOf,
} from './demo-people.mjs'
import { STORE_ID } from './demo-store.mjs'
import { hashPassword, randomPassword } from './passwords.mjs'
import { INSTANT_HEADER, LONG_AGO_MILLISECONDS } from './past/instant.mjs'
import { serviceClient, UnexpectedAnswer } from './service-client.mjs'

const AT_ONCE = 12
const MINUTE_MILLISECONDS = 60_000
const HOUR_MILLISECONDS = 60 * MINUTE_MILLISECONDS
/** How far what runs at once may lie apart. */
const AT_ONCE_MILLISECONDS = 10 * MINUTE_MILLISECONDS
const STORE = `/operator/identity-stores/${STORE_ID}`
/** People who have just forgotten their passwords, by number. */
const FORGETFUL = [0, 2]
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0' }

/** Makes the sessions from number `made` on, before `wanted`, with all that goes with them. */
export async function fillWithSessions({ base_url: baseUrl, operator_token, service, users }, made, wanted) {
  const now = Date.now()
  const asOf = (at, token) => {
    const { call } = serviceClient(baseUrl, token)
    return (method, path, body, headers) => call(method, path, body, { ...headers, [INSTANT_HEADER]: String(at) })
  }
  const callers = {
    operator: (at) => asOf(at, operator_token),
    backEnd: (at) => asOf(at, service.token),
    browser: (at, token = null) => asOf(at, token),
  }
  const people = range(peopleOf(made), peopleOf(wanted))
  const sessions = range(made, wanted).map((number) => ({
    ...sessionOf(number),
    ...instantsOf(sessionOf(number), now),
  }))
  await inOrder([
    ...(made === 0 ? [...policy(callers, now), ...browsers(callers, users, now)] : []),
    ...newPeople(callers, people, now),
    ...sessions.flatMap((session) => lifeOf(callers, session, now)),
    ...(await turns(callers, people, sessions, now)),
    ...wrongPasswords(callers, people, now),
    ...endsByOperators(callers, sessions, now),
  ])
}

function instantsOf({ openedAgoMilliseconds, thenMilliseconds, lastsMilliseconds }, now) {
  const openedAt = now - openedAgoMilliseconds
  return { openedAt, thenAt: openedAt + thenMilliseconds, overAt: openedAt + lastsMilliseconds }
}

function policy({ operator }, now) {
  const begun = now - LONG_AGO_MILLISECONDS
  const change = (hours, method, path, body) => {
    const at = begun + hours * HOUR_MILLISECONDS
    return { at, alone: true, act: () => operator(at)(method, `${STORE}/${path}`, body) }
  }
  return [
    ...CONFIG_CHANGES.map((body, index) => change(1 + index, 'PATCH', 'session-config', body)),
    ...Object.entries(GROUPS)
      .filter(([, config]) => config !== null)
      .map(([group, config]) => change(1, 'PUT', `groups/${group}/session-config`, config)),
  ]
}

function newPeople({ operator }, people, now) {
  if (people.length === 0) return []
  const at = now - LONG_AGO_MILLISECONDS + HOUR_MILLISECONDS
  const users = people.map(personOf)
  const parts = range(0, Math.ceil(users.length / 500)).map((part) => users.slice(part * 500, part * 500 + 500))
  return parts.map((some) => ({
    at,
    alone: true,
    act: () => operator(at)('POST', `${STORE}/users`, { users: some }),
  }))
}

/** What is done with a session: it is opened, it moves, it ends, or its client comes back when it is over. */
function lifeOf({ backEnd, browser }, session, now) {
  const { opening, moves, end, openedAt, thenAt, overAt } = session
  let opened
  const later = (at, act) => ({ at, act: async () => act((await opened).token) })
  const check = (at, address) =>
    later(at, (token) =>
      backEnd(at)('POST', '/sessions/check', { token, client: { ...opening.client, ...(address && { address }) } }),
    )
  const ends = {
    'sign-out': later(thenAt, (token) => browser(thenAt, token)('DELETE', '/sessions/current')),
    'back end': later(thenAt, (token) => backEnd(thenAt)('POST', '/oauth2/revoke', new URLSearchParams({ token }))),
  }
  return [
    {
      at: openedAt,
      act() {
        opened = backEnd(openedAt)('POST', '/sessions', opening)
        session.opened = opened
        return opened
      },
    },
    ...(moves === null ? [] : [check(thenAt - 1, moves)]),
    ...(ends[end] === undefined ? [check(overAt + MINUTE_MILLISECONDS)] : [ends[end]]),
  ].filter(({ at }) => at <= now)
}

/** A while after the last session that they open. */
async function turns({ operator }, people, sessions, now) {
  const newPassword = await hashPassword(randomPassword())
  return people
    .filter((number) => turnOf(number) !== null)
    .map((number) => {
      const last = Math.max(...sessions.filter(({ person }) => person === number).map(({ openedAt }) => openedAt))
      const at = Math.min(now, last + 20 * MINUTE_MILLISECONDS)
      const change = turnOf(number) === 'disabled' ? { active: false } : { password_hash: newPassword }
      return { at, alone: true, act: () => operator(at)('PATCH', `${STORE}/users/${personOf(number).user_id}`, change) }
    })
}

/** A job every six hours. */
function endsByOperators({ operator }, sessions, now) {
  return [18, 12, 6, 0].map((hoursAgo) => {
    const at = now - hoursAgo * HOUR_MILLISECONDS
    const since = at - 6 * HOUR_MILLISECONDS
    const chosen = sessions.filter(({ end, openedAt }) => end === 'operator' && openedAt > since && openedAt <= at)
    return {
      at,
      alone: true,
      async act() {
        const ids = (await Promise.all(chosen.map(({ opened }) => opened))).map(({ id }) => id)
        if (ids.length > 0) await operator(at)('POST', `${STORE}/sessions/end`, { session_ids: ids })
      },
    }
  })
}

function wrongPasswords(callers, people, now) {
  const some = people.map((number) => ({ number, ...wrongPasswordsOf(number) })).filter(({ tries }) => tries > 0)
  return some.map(({ number, hoursAgo, tries }) => forget(callers, number, now - hoursAgo * HOUR_MILLISECONDS, tries))
}

/** What people do in browsers now: sign in where they are signed in already, and forget their passwords. */
function browsers(callers, users, now) {
  const send = (token, body) =>
    callers.browser(now, token)('POST', '/sessions', { ...body, transport: 'bearer' }, BROWSER)
  const twice = users.filter(({ login_mode }) => login_mode.startsWith('LOCAL_')).slice(0, 3)
  return [
    ...twice.map(({ username, password }) => ({
      at: now,
      alone: true,
      async act() {
        const { token } = await send(null, { username, password })
        await send(token, { username, password })
      },
    })),
    ...FORGETFUL.map((number) => forget(callers, number, now, LOCKING_TRIES)),
  ]
}

function forget({ browser }, number, at, tries) {
  const wrong = { username: personOf(number).username, password: 'forgotten', transport: 'bearer' }
  return {
    at,
    alone: true,
    async act() {
      for (let many = 0; many < tries; many += 1) await browser(at)('POST', '/sessions', wrong, BROWSER).catch(refused)
    },
  }
}

function refused(error) {
  if (!(error instanceof UnexpectedAnswer && [401, 429].includes(error.status))) throw error
}

function range(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
}

/**
 * Acts in the order of their instants, some at once that are near each other: each sets the clock on for all that run
 * with it. `alone` is what may not see the clock jump meanwhile.
 */
async function inOrder(steps) {
  const running = new Map()
  const isFar = (at) => running.values().some((begun) => at - begun > AT_ONCE_MILLISECONDS)
  for (const { at, act, alone = false } of steps.toSorted((one, other) => one.at - other.at)) {
    while (running.size > (alone ? 0 : AT_ONCE - 1) || isFar(at)) await Promise.race(running.keys())
    const done = act().then(() => running.delete(done))
    // Who waits for it hears of it.
    done.catch(() => undefined)
    running.set(done, at)
    if (alone) await done
  }
  await Promise.all(running.keys())
}

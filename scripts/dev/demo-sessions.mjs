// Fills the demo store with people and their sessions, by the service's own APIs alone, as their callers use them: an
// operator, a trusted back end, and browsers. So all of it happens now: the service takes nobody's word for an instant.
import { CONFIG_CHANGES, GROUPS, peopleOf, personOf, sessionOf, turnOf } from './demo-people.mjs'
import { STORE_ID } from './demo-store.mjs'
import { hashPassword, randomPassword } from './passwords.mjs'
import { serviceClient, UnexpectedAnswer } from './service-client.mjs'

const AT_ONCE = 12
const PART = 100
/** As many wrong passwords lock a user out (SIGN_IN_TRIES_PER_USER_AND_ADDRESS). */
const TRIES = 5
const STORE = `/operator/identity-stores/${STORE_ID}`
/** People who forget their passwords, by number. */
const FORGETFUL = [0, 2]
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0'

/**
 * Makes the sessions from number `made` on, before `wanted`. `begin` is told how many there will be before each part of
 * them: a start that is interrupted leaves that part unfinished, and none makes it twice.
 */
export async function fillWithSessions(credentials, made, wanted, begin) {
  for (let from = made; from < wanted; from += PART) {
    const to = Math.min(from + PART, wanted)
    begin(to)
    await fillPart(credentials, from, to)
  }
}

async function fillPart({ base_url: baseUrl, operator_token, service, users }, from, to) {
  const operator = serviceClient(baseUrl, operator_token)
  const backEnd = serviceClient(baseUrl, service.token)
  const people = range(peopleOf(from), peopleOf(to))
  if (from === 0) await setPolicy(operator)
  if (people.length > 0) await operator.call('POST', `${STORE}/users`, { users: people.map(personOf) })
  const opened = await together(range(from, to), (number) => open(backEnd, number))
  const newPassword = await hashPassword(randomPassword())
  await Promise.all([
    ...(from === 0 ? browsers(baseUrl, users) : []),
    together(opened, (session) => goOn(baseUrl, backEnd, session)),
    endTogether(operator, opened),
    together(people, async (number) => {
      const { user_id: userId } = personOf(number)
      const turn = turnOf(number)
      const change = turn === 'disabled' ? { active: false } : { password_hash: newPassword }
      if (turn !== null) await operator.call('PATCH', `${STORE}/users/${userId}`, change)
    }),
  ])
}

async function setPolicy(operator) {
  for (const change of CONFIG_CHANGES) await operator.call('PATCH', `${STORE}/session-config`, change)
  for (const [group, config] of Object.entries(GROUPS)) {
    if (config !== null) await operator.call('PUT', `${STORE}/groups/${group}/session-config`, config)
  }
}

async function open(backEnd, number) {
  const { opening, moves, end } = sessionOf(number)
  const { id, token } = await backEnd.call('POST', '/sessions', opening)
  return { sessionId: id, token, client: opening.client, moves, end }
}

async function goOn(baseUrl, backEnd, { token, client, moves, end }) {
  if (moves !== null) {
    await backEnd.call('POST', '/sessions/check', { token, client: { ...client, address: moves } })
  }
  if (end === 'sign-out') await serviceClient(baseUrl, token).call('DELETE', '/sessions/current')
  if (end === 'back end') await backEnd.call('POST', '/oauth2/revoke', new URLSearchParams({ token }))
}

/** One job of an operator. */
async function endTogether(operator, opened) {
  const ids = opened.filter(({ end }) => end === 'operator').map(({ sessionId }) => sessionId)
  if (ids.length > 0) await operator.call('POST', `${STORE}/sessions/end`, { session_ids: ids })
}

/** What people do in browsers: sign in where they are signed in already, and forget their passwords. */
function browsers(baseUrl, users) {
  const send = (token, body) =>
    serviceClient(baseUrl, token).call('POST', '/sessions', { ...body, transport: 'bearer' }, { 'user-agent': BROWSER })
  const twice = users.filter(({ login_mode }) => login_mode.startsWith('LOCAL_')).slice(0, 3)
  const forgetful = FORGETFUL.map((number) => personOf(number))
  return [
    ...twice.map(async ({ username, password }) => {
      const { token } = await send(null, { username, password })
      await send(token, { username, password })
    }),
    ...forgetful.map(async ({ username }) => {
      for (let tries = 0; tries < TRIES; tries += 1) {
        await send(null, { username, password: 'forgotten' }).catch(refused)
      }
    }),
  ]
}

function refused(error) {
  if (!(error instanceof UnexpectedAnswer && [401, 429].includes(error.status))) throw error
}

function range(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
}

/** What `act` answers for each, some at once. */
async function together(items, act) {
  const answers = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next
      next += 1
      answers[index] = await act(items[index])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return answers
}

// `npm run flood -- --seconds 120`: strangers try 30 passwords a second, from one /64 and then from a thousand, while ten
// users who have signed in before sign in again and again: five by the cookie of their device, five from their address.
// Passwords are hashed in a process of their own. All must be let in, and meanwhile sessions are checked, back ends open
// some and operators work: all of it must succeed.
import { parseArgs } from 'node:util'
import { passwordHash, serveLatchkey } from './contenders/latchkey.mjs'
import { spread } from './spread.mjs'

const KNOWN = 10
const PER_SECOND = 30
/** When the ten come first, and how long after each time they come again. */
const AFTER_SECONDS = 4
const AGAIN_SECONDS = 20
/** Of checks, of a back end and of an operator, each so long after the other. */
const BESIDE_MILLISECONDS = 200
/** How long the same is done before the flood. */
const BEFORE_MILLISECONDS = 10_000
/** As the service makes new hashes. */
const COST = { ln: 14, p: 5 }

const seconds = Number(parseArgs({ options: { seconds: { type: 'string', default: '12' } } }).values.seconds)
if (!(seconds >= 6 && seconds <= 3_600)) throw new Error('--seconds takes 6 to 3600')

const WHERE = {
  'one /64': (sent) => `2001:db8:bad:0::${sent.toString(16)}`,
  'a thousand /64': (sent) => `2001:db8:bad:${(sent % 1_000).toString(16)}::1`,
}

async function flood(service, prefix, addressOf) {
  const users = await service.makeUsers(prefix, KNOWN, { password_hash: passwordHash(COST.ln, COST.p) })
  const home = (index) => ({ 'cf-connecting-ip': `2001:db8:600d:${index}::1` })
  const away = (index) => ({ 'cf-connecting-ip': `2001:db8:a3a7:${index}::1` })
  const cookies = []
  for (const [index, id] of users.entries()) {
    const response = await send(service, service.signIn(id, { transport: 'cookie', headers: home(index) }))
    if (response.status !== 201) throw new Error(`a user could not sign in at first: ${response.status}`)
    cookies.push(/latchkey_device=[^;]+/.exec(response.headers.get('set-cookie'))[0])
  }

  const [besideThem] = await service.makeUsers(`${prefix}beside`, 1)
  const started = Date.now()
  const before = await workBeside(service, besideThem, () => Date.now() - started > BEFORE_MILLISECONDS)
  let over = false
  const beside = workBeside(service, besideThem, () => over)
  const strangers = []
  const known = []
  for (let sent = 0; sent < PER_SECOND * seconds; sent += 1) {
    const headers = { 'cf-connecting-ip': addressOf(sent) }
    const name = sent % 2 === 0 ? users[sent % KNOWN] : `nobody${sent}`
    strangers.push(send(service, service.signIn(name, { password: `guess ${sent}`, headers })))
    if (sent % (PER_SECOND * AGAIN_SECONDS) === PER_SECOND * AFTER_SECONDS) {
      for (const [index, id] of users.entries()) {
        const headers = index % 2 === 0 ? { ...away(index), cookie: cookies[index] } : home(index)
        known.push(send(service, service.signIn(id, { headers })))
      }
    }
    await new Promise((go) => setTimeout(go, 1_000 / PER_SECOND))
  }
  over = true
  return { known: await Promise.all(known), strangers: await Promise.all(strangers), before, beside: await beside }
}

/** One after the other, until it is told to stop: a check, an opening, and what an operator reads and changes. */
async function workBeside(service, userId, isOver) {
  const [token] = await service.open([userId])
  const store = `/operator/identity-stores/${service.identityStoreId}`
  const operator = { authorization: `Bearer ${service.operator}`, 'content-type': 'application/json' }
  const change = { method: 'PATCH', body: JSON.stringify({ first_name: 'Flood' }) }
  const requests = {
    checks: service.check(token),
    openings: service.opening(userId),
    lists: { path: `${store}/sessions`, headers: operator },
    changes: { path: `${store}/users/${userId}`, headers: operator, ...change },
  }
  const answers = { checks: [], openings: [], lists: [], changes: [] }
  while (!isOver()) {
    for (const [name, request] of Object.entries(requests)) {
      answers[name].push(await send(service, request))
      await new Promise((go) => setTimeout(go, BESIDE_MILLISECONDS))
    }
  }
  return answers
}

async function send({ url }, { path, ...request }) {
  const startedAt = performance.now()
  const response = await fetch(`${url}${path}`, request)
  await response.body?.cancel()
  return { status: response.status, headers: response.headers, milliseconds: performance.now() - startedAt }
}

let failed = false
for (const [where, addressOf] of Object.entries(WHERE)) {
  const service = await serveLatchkey({ variables: {}, gate: { limit: 300, period: 60 }, hashingElsewhere: true })
  const { known, strangers, before, beside } = await flood(service, where.replaceAll(/\W/g, ''), addressOf)
  await service.stop()
  const times = spread(known.map(({ milliseconds }) => milliseconds))
  console.log(`${PER_SECOND} tries a second from ${where}:`)
  console.log(
    `  those who are known: ${byStatus(known)}, in ${ms(times.median)} (${ms(times.least)} to ${ms(times.most)})`,
  )
  console.log(`  strangers: ${byStatus(strangers)}`)
  for (const [name, answers] of Object.entries(beside)) {
    const { median, most } = spread(answers.map(({ milliseconds }) => milliseconds))
    const alone = spread(before[name].map(({ milliseconds }) => milliseconds)).median
    console.log(
      `  ${name} beside them: ${byStatus(answers)}, in ${ms(median)} (to ${ms(most)}); before them in ${ms(alone)}`,
    )
    if (answers.some(({ status }) => status >= 300)) failed = true
  }
  if (known.some(({ status }) => status !== 201)) failed = true
}
process.exit(failed ? 1 : 0)

function byStatus(answers) {
  const counts = Map.groupBy(answers, ({ status }) => status)
  return [...counts].map(([status, list]) => `${list.length} × ${status}`).join(', ')
}

function ms(milliseconds) {
  return `${Math.round(milliseconds)} ms`
}

// Growth: the cost of an operation against what there is already. Flat is the aim.
import { mustBe } from './contenders/answers.mjs'
import { passwordHash, serveLatchkey } from './contenders/latchkey.mjs'
import { measure } from './operations.mjs'
import { residentBytes } from './processes.mjs'

const ROWS_PER_STATEMENT = 100_000
const SESSIONS_PER_USER = 10
const SESSIONS_OF_ONE = [1, 10, 200]
const MEMORY_OBJECTS = 1_000
const PAGE = 50
const DAY_MILLISECONDS = 86_400_000

/** Measures at each number of records, then at each number of sessions of one user, then memory. */
export async function measureScale({ repeats, records }, say) {
  const service = await serveLatchkey({ entry: 'bench/workers/latchkey-metered.js' })
  try {
    const speaksSlack = (await fetch(`${service.url}/api/api.test`, { method: 'POST' })).ok
    const sizes = []
    let filled = 0
    for (const size of records) {
      say(`filling D1 up to ${size} session records`)
      await fill(service, filled, size)
      filled = size
      say(`measuring at ${size}`)
      sizes.push({ records: size, ...(await measureAt(service, `at${size}-`, repeats, speaksSlack)) })
    }
    const objects = []
    for (const sessions of SESSIONS_OF_ONE) {
      say(`a user with ${sessions} sessions`)
      objects.push({ sessions, ...(await measureObject(service, sessions, repeats)) })
    }
    say(`memory of ${MEMORY_OBJECTS} live users`)
    const idle = await service.makeUsers('live', MEMORY_OBJECTS)
    const before = residentBytes(service.pid)
    await service.open(idle)
    const megabytesPer1000Objects = Math.round((residentBytes(service.pid) - before) / 2 ** 20)
    return { sizes, objects, megabytesPer1000Objects, leftOut: speaksSlack ? {} : { list: 'no API that lists them' } }
  } finally {
    await service.stop()
  }
}

async function measureAt(service, prefix, repeats, speaksSlack) {
  const users = await service.makeUsers(prefix, repeats, { password_hash: passwordHash(1, 1) })
  const tokens = []
  const send = async (status, { path, ...request }) => {
    const response = await mustBe(status, fetch(`${service.url}${path}`, request))
    return response.status === 204 ? null : response.json()
  }
  const signIn = await measure(service, repeats, async (time) => {
    tokens.push((await send(201, service.signIn(users[time]))).token)
  })
  const check = await measure(service, repeats, (time) => send(200, service.check(tokens[time])))
  const revoke = await measure(service, repeats, (time) =>
    send(204, { method: 'DELETE', ...service.check(tokens[time]) }),
  )
  if (!speaksSlack) return { signIn, check, revoke }
  const list = await measure(service, repeats, async () => {
    const body = await service.send('POST', '/api/admin.users.session.list', service.backEnd, 200, { limit: PAGE })
    if (body.active_sessions?.length !== PAGE) throw new Error(`list: ${body.error ?? 'a short page'}`)
  })
  return { signIn, check, revoke, list }
}

async function measureObject(service, sessions, repeats) {
  const [userId] = await service.makeUsers(`of${sessions}-`, 1)
  await service.openMany(userId, sessions - 1)
  const [token] = await service.open([userId])
  const get = (path) => async () => {
    const { headers } = service.check(token)
    await (await mustBe(200, fetch(`${service.url}${path}`, { headers }))).arrayBuffer()
  }
  return {
    check: await measure(service, repeats, get('/sessions/current')),
    list: await measure(service, repeats, get('/sessions')),
    open: await measure(service, repeats, () => service.open([userId])),
  }
}

/** Adds users and their sessions up to a number of session records, every tenth session of them live. */
async function fill({ database, identityStoreId }, from, to) {
  for (let at = from; at < to; at += ROWS_PER_STATEMENT) {
    const until = Math.min(at + ROWS_PER_STATEMENT, to)
    const now = Date.now()
    await database.batch([
      database
        .prepare(`${numbers} INSERT INTO users (identity_store_id, user_id, username, role, user_level, bot, active,
            sessions_valid_from, status_version, created_at, updated_at)
          SELECT ?3, 'filled' || n, 'filled' || n || '@pie.example', 'member', 0, 0, 1, 0, 1, ?4, ?4 FROM numbers`)
        .bind(at / SESSIONS_PER_USER, until / SESSIONS_PER_USER, identityStoreId, now),
      database
        .prepare(`${numbers} INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind,
            opened_at, last_seen_at, persistent, credentials_type, address, user_agent, ended_at, end_reason)
          SELECT ?3, 'filled' || (n / ${SESSIONS_PER_USER}), printf('01900000-0000-7000-8000-%012x', n), n, 1, 'web',
            ?4, ?4, 0, 'password', '192.0.2.1', 'Device', iif(n % ${SESSIONS_PER_USER} = 0, NULL, ?4),
            iif(n % ${SESSIONS_PER_USER} = 0, NULL, 'logout') FROM numbers`)
        .bind(at, until, identityStoreId, now - DAY_MILLISECONDS),
    ])
  }
}

const numbers = 'WITH RECURSIVE numbers (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?2)'

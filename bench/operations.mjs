// Operations that are measured one at a time: how long, and how many statements of D1.
import { serveLatchkey } from './contenders/latchkey.mjs'
import { spread } from './spread.mjs'

const SETTINGS_USERS = 1_000
const LIVE = [0, 50, 1_000]
const ENDS = [1, 100, 1_000]
/** The mirror runs after the answer. */
const MIRROR_MILLISECONDS = 2_000

/** Measures them in a Latchkey of their own. Answers, by operation, milliseconds and D1's part. */
export async function measureOperations({ repeats, records }, say) {
  const quick = records.length === 1
  const service = await serveLatchkey({ entry: 'bench/workers/latchkey-metered.js' })
  try {
    const operations = {}
    for (const count of quick ? ENDS.slice(0, 2) : ENDS) {
      say(`end of ${count} sessions`)
      operations[`end_${count}`] = await measureEnds(service, count, count < 1_000 ? repeats : Math.min(repeats, 3))
    }
    if (await servesSettings(service)) {
      for (const live of quick ? LIVE.slice(0, 2) : LIVE) {
        say(`setSettings for ${SETTINGS_USERS} users, ${live} live`)
        operations[`set_settings_${live}`] = await measureSettings(service, live, repeats)
      }
    }
    return operations
  } finally {
    await service.stop()
  }
}

/** How long something takes, each time it is done, and what D1 did the last time, its aftermath included. */
export async function measure(service, times, act) {
  const milliseconds = []
  let meters = null
  for (let time = 0; time < times; time += 1) {
    const before = await service.meters()
    const startedAt = performance.now()
    await act(time)
    milliseconds.push(performance.now() - startedAt)
    await service.quiet(MIRROR_MILLISECONDS)
    const after = await service.meters()
    meters = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - before[name]]))
  }
  return { milliseconds: spread(milliseconds), ...meters }
}

/** The end of many sessions of one user, by the use case that every API calls. */
async function measureEnds(service, count, repeats) {
  const users = await service.makeUsers(`end-${count}-`, repeats)
  const ids = []
  for (const userId of users) ids.push(await service.openMany(userId, count))
  return measure(service, repeats, async (time) => {
    const owner = { identityStoreId: service.identityStoreId, userId: users[time] }
    const { ended } = await service.send('POST', '/bench/end', '', 200, { owner, only: ids[time] })
    if (ended !== count) throw new Error(`${ended} of ${count} sessions ended`)
  })
}

async function measureSettings(service, live, repeats) {
  const users = await service.makeUsers(`settings-${live}-`, SETTINGS_USERS)
  await service.open(users.slice(0, live))
  const set = async (time) => {
    const settings = { user_ids: users, duration: 30_000 + time }
    const body = await service.send('POST', '/api/admin.users.session.setSettings', service.backEnd, 200, settings)
    if (body.ok !== true) throw new Error(`setSettings: ${body.error}`)
  }
  // The first warms up.
  await set(repeats)
  return measure(service, repeats, set)
}

/** Whether this build speaks Slack. */
async function servesSettings(service) {
  const response = await fetch(`${service.url}/api/api.test`, { method: 'POST' })
  await response.arrayBuffer()
  return response.ok
}

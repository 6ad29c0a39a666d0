// Checks while sign-ins hash: in one process, hashing stops everything, also where it has objects of its own. So four
// clients that sign in again at once, as fast as they are let, are the worst that sign-ins do to others here.
import { passwordHash } from './contenders/latchkey.mjs'
import { burst } from './load.mjs'
import { spread } from './spread.mjs'

/** As the service makes new hashes. */
const COST = { ln: 14, p: 5 }
const AT_ONCE = 4

/** Checks alone and beside four sign-ins at a time, in turn. Answers the ratio, latencies and how the sign-ins fared. */
export async function measureHashing(service, check, { rounds, seconds }) {
  const users = await service.makeUsers('hashed', AT_ONCE, { password_hash: passwordHash(COST.ln, COST.p) })
  const ratios = []
  const alone = []
  const beside = []
  const signIns = { opened: 0, turnedAway: 0 }
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    const quiet = await burst(check, { seconds })
    let going = true
    const loops = users.map(async (userId) => {
      while (going) {
        const { path, ...request } = service.signIn(userId)
        const { status, body } = await fetch(`${service.url}${path}`, request)
        await body?.cancel()
        if (status === 201) signIns.opened += 1
        else signIns.turnedAway += 1
      }
    })
    const busy = await burst(check, { seconds }).finally(() => {
      going = false
    })
    await Promise.all(loops)
    ratios.push(busy.perSecond / quiet.perSecond)
    alone.push(quiet.p99Milliseconds)
    beside.push(busy.p99Milliseconds)
  }
  return {
    ratio: spread(ratios),
    p99AloneMilliseconds: spread(alone),
    p99BesideMilliseconds: spread(beside),
    signIns,
  }
}

// Rounds: every scenario once in each, so that whatever else the machine does falls on all of them alike.
import { burst } from './load.mjs'
import { spread } from './spread.mjs'

/** What goes on after the answers of a scenario that writes must not fall on the next one, in milliseconds. */
const SETTLING_MILLISECONDS = 500

/**
 * Runs the scenarios in rounds. One whose load fails is left out from then on. Answers the bursts by scenario
 * and, for what was left out, why.
 */
export async function runRounds(scenarios, { rounds, warmUp, seconds, amount, report }) {
  const bursts = new Map(Object.keys(scenarios).map((key) => [key, []]))
  const leftOut = new Map()
  for (let round = 0; round <= rounds; round += 1) {
    for (const key of inTurn(Object.keys(scenarios), round)) {
      if (leftOut.has(key)) continue
      const scenario = scenarios[key]
      const { share = 1 } = scenario
      const size = scenario.writes
        ? { amount: Math.round(amount * share) }
        : { seconds: round === 0 ? warmUp : seconds }
      try {
        // Objects sleep after 10 s without a request; these are to be measured awake.
        if (scenario.wakes) await burst(scenario, { amount: scenario.wakes })
        const measured = await burst(scenario, size)
        // The first round warms up.
        if (round > 0) bursts.get(key).push(measured)
        if (scenario.writes) await new Promise((go) => setTimeout(go, SETTLING_MILLISECONDS))
      } catch (error) {
        leftOut.set(key, error.message)
        bursts.delete(key)
      }
    }
    report(round)
  }
  return { bursts: Object.fromEntries(bursts), leftOut: Object.fromEntries(leftOut) }
}

/** Each round starts with another scenario, every second one goes backwards. */
function inTurn(keys, round) {
  const start = (round * 5) % keys.length
  const turned = [...keys.slice(start), ...keys.slice(0, start)]
  return round % 2 === 0 ? turned : turned.reverse()
}

/** The ratio of two scenarios, round by round; null if one of them was left out, or nothing compared yet. */
export function ratio(bursts, [above, below], figure = 'perSecond') {
  if (bursts?.[above] === undefined || bursts[below] === undefined) return null
  return spread(bursts[above].map((burst, round) => burst[figure] / bursts[below][round][figure]))
}

// CPU profiles of the check, taken through workerd's inspector: `npm run bench:profile`. The profiles can be
// opened in a browser's developer tools; what is printed is where the time goes, idle time apart.
import { mkdirSync, writeFileSync } from 'node:fs'
import { serveLatchkey } from './contenders/latchkey.mjs'
import { inspect } from './inspector.mjs'
import { burst } from './load.mjs'

const RESULTS = new URL('results/', import.meta.url)
const INSPECTOR_PORT = Number(process.env.INSPECTOR_PORT ?? 18_401)
const SECONDS = 3
const INTERVAL_MICROSECONDS = 100
const SHOWN = 15

const service = await serveLatchkey({ inspectorPort: INSPECTOR_PORT })
try {
  const [token] = await service.open(await service.makeUsers('one', 1))
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
  const scenarios = {
    strict: service.scenario([service.check(token)]),
    'max-age': service.scenario([service.check(token, { 'cache-control': 'max-age=5' })]),
    forged: service.scenario([service.check(forged)], 401),
  }
  const { call } = await inspect(`http://127.0.0.1:${INSPECTOR_PORT}`, 'latchkey')
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: INTERVAL_MICROSECONDS })
  mkdirSync(RESULTS, { recursive: true })
  for (const [name, scenario] of Object.entries(scenarios)) {
    await burst(scenario, { seconds: 1 })
    await call('Profiler.start')
    const { cpuMicroseconds } = await burst(scenario, { seconds: SECONDS })
    const { profile } = await call('Profiler.stop')
    writeFileSync(new URL(`${name}.cpuprofile`, RESULTS), JSON.stringify(profile))
    console.log(`\n${name}: ${Math.round(cpuMicroseconds)} µs of CPU per request, profiler included`)
    for (const [what, share] of busiest(profile)) console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${what}`)
  }
} finally {
  await service.stop()
}
process.exit()

/** The functions in which most of the busy time is spent, callees apart. */
function busiest({ nodes, samples, timeDeltas }) {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, lineNumber } }) => [
      id,
      `${functionName || '(native)'}:${lineNumber + 1}`,
    ]),
  )
  const times = new Map()
  let busy = 0
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)
    if (name.startsWith('(idle)')) continue
    busy += timeDeltas[index]
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index])
  }
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, time]) => [name, time / busy])
}

// One burst of load on one scenario.
import autocannon from 'autocannon'
import { cpuMicroseconds } from './processes.mjs'

export const CONNECTIONS = 32
const TIMEOUT_SECONDS = 10

/**
 * Sends a scenario's requests over its connections, for some seconds or for a number of requests. Answers
 * requests per second, CPU of the serving process per request in microseconds, and the median latency in
 * milliseconds. Throws if any answer is not the expected one.
 */
export async function burst({ url, pid, requests, status, connections = CONNECTIONS }, { seconds, amount }) {
  const list = typeof requests === 'function' ? requests(amount ?? 0) : requests
  const shares = Array.from({ length: connections }, (_, at) => list.filter((_, index) => index % connections === at))
  let next = 0
  const cpuBefore = cpuMicroseconds(pid)
  const result = await autocannon({
    url,
    connections,
    timeout: TIMEOUT_SECONDS,
    ...(amount === undefined ? { duration: seconds } : { amount }),
    sampleInt: 100,
    // Each connection has requests of its own, so that they do not march in step.
    setupClient: (client) => {
      const share = shares[next % connections]
      next += 1
      client.setRequests(repeated(share.length > 0 ? share : list))
    },
  })
  const cpu = cpuMicroseconds(pid) - cpuBefore
  const answers = Object.entries(result.statusCodeStats).map(([code, { count }]) => [Number(code), count])
  const wrong = answers.filter(([code]) => code !== status)
  if (result.errors > 0 || result.timeouts > 0 || wrong.length > 0 || answers.length === 0) {
    const codes = wrong.map(([code, count]) => `${count} × ${code}`).join(', ')
    throw new Error(`${result.errors} errors, ${result.timeouts} time-outs, unexpected answers: ${codes || 'none'}`)
  }
  const count = answers.reduce((sum, [, many]) => sum + many, 0)
  return {
    requests: count,
    perSecond: (count * 1000) / (result.finish - result.start),
    cpuMicroseconds: cpu / count,
    p50Milliseconds: result.latency.p50,
    p99Milliseconds: result.latency.p99,
  }
}

/** autocannon does some work at each end of its list, so the list had better not be short. */
function repeated(list) {
  return Array.from({ length: Math.ceil(64 / list.length) }, () => list).flat()
}

// The limits: a Worker that does nothing, and one that makes one call of a Durable Object.
import { serveWorker } from '../workers.mjs'

/** Starts the contender. Answers its scenarios and how to stop it. */
export async function startLimits() {
  const { url, pid, stop } = await serveWorker({
    name: 'limits',
    entry: 'bench/workers/limits.js',
    durableObjects: { LIMIT: { className: 'Limit', useSQLite: true } },
  })
  const scenario = (path) => ({ url, pid, status: 200, requests: [{ path }] })
  return {
    scenarios: {
      empty: scenario('/'),
      object_call: scenario('/call'),
      object_read: scenario('/read'),
    },
    stop,
  }
}

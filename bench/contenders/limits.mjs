// The limits: a Worker that does nothing, and ones that do the least for a check and for an opening.
import { serveWorker } from '../workers.mjs'
import { HASHED } from './hashed.mjs'

/** Starts the contender. Answers its scenarios and how to stop it. */
export async function startLimits({ known }) {
  const { url, pid, stop, database } = await serveWorker({
    name: 'limits',
    entry: 'bench/workers/limits.js',
    d1Databases: { DB: 'limits' },
    durableObjects: {
      LIMIT: { className: 'Limit', useSQLite: true },
      NEW_LIMIT: { className: 'NewLimit', useSQLite: true },
    },
  })
  const created = 'CREATE TABLE sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL) WITHOUT ROWID'
  await (await database()).prepare(created).run()
  const scenario = (...paths) => ({ url, pid, status: 200, requests: paths.map((path) => ({ path })) })
  return {
    scenarios: {
      empty: scenario('/'),
      object_call: scenario('/call'),
      object_read: scenario('/read'),
      hash: { ...scenario('/hash'), ...HASHED },
      object_new: { ...scenario('/new'), writes: true },
      object_new_copied: { ...scenario('/write-new'), writes: true },
      object_write: { ...scenario(...Array.from({ length: known }, (_, user) => `/write?${user}`)), writes: true },
    },
    stop,
  }
}

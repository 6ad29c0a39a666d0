// Latchkey as it is, with meters: what D1 says of every statement, and use cases that no API here needs a
// signature for. Only for single operations, never under load.

import worker from '../../src/index.ts'
import { servicesOf } from '../../src/services.ts'
import { readSettings } from '../../src/settings.ts'

export {
  ApplicationServerCalls,
  EventEndpoint,
  PasswordHasher,
  SessionsEntrypoint,
  StoreJobs,
  UserProfiles,
  UserSessions,
} from '../../src/index.ts'

const meters = { statements: 0, rowsRead: 0, rowsWritten: 0 }
let metered = false

/** Counts what is sent to D1 by anybody in this isolate, the objects included. */
function meter(env) {
  if (metered) return
  metered = true
  const sender = Object.getPrototypeOf(Reflect.get(env.DB, 'alwaysPrimarySession'))
  const send = sender._sendOrThrow
  sender._sendOrThrow = async function (...query) {
    const answer = await send.apply(this, query)
    for (const { meta } of [answer].flat()) {
      meters.statements += 1
      meters.rowsRead += meta.rows_read
      meters.rowsWritten += meta.rows_written
    }
    return answer
  }
}

export default {
  ...worker,
  async fetch(request, env, ctx) {
    meter(env)
    const { pathname } = new URL(request.url)
    if (pathname === '/bench/meters') return Response.json(meters)
    if (pathname === '/bench/end') {
      const { owner, only } = await request.json()
      const { sessions } = servicesOf(env, readSettings(env).value)
      const by = { caller: 'bench', requestId: null }
      const ended = await sessions.end(owner, { only }, 'revoked', by)
      return Response.json({ ended: ended.value.length })
    }
    return worker.fetch(request, env, ctx)
  },
}

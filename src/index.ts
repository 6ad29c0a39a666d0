/** The Worker. */
import { clientOf, locationOf } from './api/context.ts'
import { answer } from './app.ts'
import { type Env, readSettings } from './env.ts'
import { commonHeaders } from './http/common-headers.ts'
import { problemResponse } from './http/problem.ts'
import { servicesOf } from './services.ts'
import { dropOldCallCounters } from './store/admissions.ts'
import { openDatabase } from './store/database.ts'
import { dropOldLoginTokens } from './store/login-tokens.ts'
import { dropOldAttempts } from './store/sign-in-attempts.ts'

export { SessionsEntrypoint } from './entrypoint.ts'
export { UserProfiles } from './identity/user-profiles.ts'
export { StoreJobs } from './sessions/store-jobs.ts'
export { UserSessions } from './sessions/user-sessions.ts'

export default {
  fetch(request, env, ctx) {
    const requestId = crypto.randomUUID()
    const headers = commonHeaders(request, requestId)
    const settings = readSettings(env)
    if (!settings.ok) {
      console.error('not configured', settings.error)
      const problem = { status: 503, code: 'not_configured', title: 'Not configured' }
      return problemResponse(problem, headers)
    }
    return answer(request, {
      services: servicesOf(env, settings.value),
      requestId,
      headers,
      now: Date.now(),
      client: clientOf(request),
      // Only an opening asks.
      get location() {
        return locationOf(request)
      },
      later: (work) => ctx.waitUntil(work),
    })
  },

  async scheduled(_controller, env) {
    const db = openDatabase(env.DB)
    const counters = await dropOldCallCounters(db, Date.now())
    if (!counters.ok) console.error('old call counters were not dropped', counters.error)
    const dropped = await dropOldAttempts(db, Date.now())
    if (!dropped.ok) console.error('old sign-in attempts were not dropped', dropped.error)
    const droppedTokens = await dropOldLoginTokens(db, Date.now())
    if (!droppedTokens.ok) console.error('old login tokens were not dropped', droppedTokens.error)
  },
} satisfies ExportedHandler<Env>

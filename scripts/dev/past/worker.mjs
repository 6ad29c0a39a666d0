// The Worker as it is, behind a clock of its own: `npm run dev -- --demo-sessions` fills the demo store with it, so that
// there is a day of history. It is stopped before anybody is told of the address.

// After the clock.
import * as all from '../../../src/index.ts'
import { setClock, withAlarms } from './clock.mjs'
import { INSTANT_HEADER } from './instant.mjs'

export * from '../../../src/index.ts'

export const EventEndpoint = withAlarms(all.EventEndpoint)
export const StoreJobs = withAlarms(all.StoreJobs)
export const UserProfiles = withAlarms(all.UserProfiles)
export const UserSessions = withAlarms(all.UserSessions)

export default {
  fetch(request, env, context) {
    const at = request.headers.get(INSTANT_HEADER)
    if (at !== null) setClock(Number(at))
    return all.default.fetch(request, env, context)
  },
}

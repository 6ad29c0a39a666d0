/** The bindings as the platform hands them over. Each object declares the slice of them that it uses. */
import type { EventEndpoint } from './events/event-endpoint.ts'
import type { ApplicationServerCalls } from './identity/application-server-calls.ts'
import type { PasswordHasher } from './identity/password-hasher.ts'
import type { UserProfiles } from './identity/user-profiles.ts'
import type { StoreJobs } from './sessions/jobs/store-jobs.ts'
import type { UserSessions } from './sessions/object/user-sessions.ts'

/** The variables and secrets beside them are read by settings.ts alone. */
export interface Env {
  readonly DB: D1Database
  readonly CONFIG: KVNamespace
  readonly USERS: DurableObjectNamespace<UserSessions>
  readonly JOBS: DurableObjectNamespace<StoreJobs>
  readonly PROFILES: DurableObjectNamespace<UserProfiles>
  readonly HASHERS: DurableObjectNamespace<PasswordHasher>
  readonly ENDPOINTS: DurableObjectNamespace<EventEndpoint>
  readonly APPLICATION_SERVER_CALLS: DurableObjectNamespace<ApplicationServerCalls>
  /** Where the application server is a Worker of the same account. */
  readonly APPLICATION_SERVER?: Fetcher
  readonly SIGN_IN_GATE: RateLimit
  readonly ACCESS_KEY_GATE: RateLimit
  readonly LOGOUT_GATE: RateLimit
  /** Where what happens is counted; nowhere, if it is not bound. */
  readonly COUNTERS?: AnalyticsEngineDataset
  /** Which version this is. */
  readonly VERSION?: WorkerVersionMetadata
}

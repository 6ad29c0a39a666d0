/** What every handler is given: the services of this isolate, and the facts of this request. */
import type { DeviceCookies } from '../auth/device-cookies.ts'
import type { Sealing } from '../auth/sealing.ts'
import type { SessionTokens } from '../auth/session-tokens.ts'
import type { Counters } from '../counters.ts'
import type { Result } from '../domain/result.ts'
import { type Client, type Location, trimUserAgent } from '../domain/session.ts'
import type { Endpoints } from '../events/wake.ts'
import type { CommonHeaders } from '../http/common-headers.ts'
import type { ApplicationServer } from '../identity/application-server.ts'
import type { LogoutTokens } from '../identity/logout-tokens.ts'
import type { OpenId } from '../identity/openid.ts'
import type { PasswordHashers } from '../identity/password-hashers.ts'
import type { Profiles } from '../identity/profiles.ts'
import type { ApiSessions } from '../sessions/api-sessions.ts'
import type { ConsoleSessions } from '../sessions/console-sessions.ts'
import type { StoreJobs } from '../sessions/jobs/store-jobs.ts'
import type { Sessions } from '../sessions/service.ts'
import type { Settings } from '../settings.ts'
import type { Database } from '../store/database.ts'
import type { Figures } from '../store/figures.ts'
import type { Unavailable } from '../time-limit.ts'

/** Built once per isolate. */
export interface Services {
  readonly settings: Settings
  readonly db: Database
  readonly tokens: SessionTokens
  readonly sealing: Sealing
  readonly sessions: Sessions
  readonly apiSessions: ApiSessions
  readonly consoleSessions: ConsoleSessions
  readonly profiles: Profiles
  readonly hashers: PasswordHashers
  readonly devices: DeviceCookies
  readonly applicationServer: ApplicationServer
  readonly openId: OpenId
  readonly logoutTokens: LogoutTokens
  /** The stores' durable work, for operators to look at. */
  readonly jobs: DurableObjectNamespace<StoreJobs>
  /** Where events are sent to. */
  readonly endpoints: Endpoints
  readonly signInGate: RateLimit
  readonly accessKeyGate: RateLimit
  readonly logoutGate: RateLimit
  /** How the bindings were at most some seconds ago. `now` in epoch milliseconds. */
  readonly health: (now: number) => Promise<Health>
  /** The state of the whole deployment, as it was some seconds ago at most. */
  readonly figures: (now: number) => Promise<Result<Figures, Unavailable>>
  readonly counters: Counters
  /** Keeps the service from using objects of another jurisdiction (`JurisdictionGuard`). */
  readonly jurisdiction: { readonly elsewhere: string | null; look(now: number): Promise<string | null> }
  /** The migrations that the database lacks; asked where a statement did not fit it. */
  readonly missingMigrations: () => Promise<Result<readonly string[], Unavailable>>
}

/** What `/healthz` tells. */
export interface Health {
  /** Whether the bindings answer, one by one. */
  readonly bindings: Readonly<Record<string, boolean>>
  /** Names of files; empty also where D1 does not answer. */
  readonly missingMigrations: readonly string[]
  /** The id of the version that answers, where the platform says it. */
  readonly version?: string
}

/** One request. */
export interface RequestContext {
  readonly services: Services
  readonly requestId: string
  /** The headers that every answer has. */
  readonly headers: CommonHeaders
  /** When the request arrived, epoch milliseconds. */
  readonly now: number
  /** As it is written in the URL. */
  readonly path: string
  readonly client: Client
  readonly location: Location | null
}

/** The client of a request. The address is what Cloudflare says it is; nothing else is believed. */
export function clientOf(request: Request): Client {
  return {
    address: request.headers.get('cf-connecting-ip'),
    userAgent: trimUserAgent(request.headers.get('user-agent')),
  }
}

/** Where the request comes from, as the edge saw it. */
export function locationOf(request: Request): Location | null {
  const cf = request.cf as IncomingRequestCfProperties | undefined
  if (cf === undefined) return null
  return {
    city: cf.city ?? null,
    region: cf.region ?? null,
    country: cf.country ?? null,
    timeZone: cf.timezone ?? null,
    latitude: cf.latitude ?? null,
    longitude: cf.longitude ?? null,
  }
}

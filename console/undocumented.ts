/** Routes that the OpenAPI document does not have yet, spelled as its client will spell them. */
import type { AuditEvent, Policy, User } from '../packages/client/src/generated/types.gen.ts'
import { call } from './http.ts'

export interface AdministeredSession {
  readonly session_id: string
  readonly number: number
  readonly identity_store_id: string
  readonly user_id: string
  readonly kind: 'web' | 'api'
  readonly client_kind: 'web' | 'mobile'
  readonly opened_at: string
  readonly last_seen_at: string
  readonly expires_at: string | null
  readonly idles_out_at: string | null
  readonly credentials_type: string
  readonly address: string | null
  readonly browser: string | null
  readonly operating_system: string | null
  readonly location: Place | null
  readonly flags: { readonly new_device: boolean | null; readonly persistent: boolean; readonly sudo: boolean }
  readonly ended_at: string | null
  readonly end_reason: string | null
  readonly end_sentence: string | null
}
interface Place {
  readonly city: string | null
  readonly region: string | null
  readonly country: string | null
  readonly latitude: string | null
  readonly longitude: string | null
}
export interface AdministeredSessionList {
  readonly sessions: readonly AdministeredSession[]
  readonly next_cursor: string | null
  readonly scanned: number
  readonly source: 'mirror' | 'object'
  readonly may_be_behind_seconds: number
}
interface SeenClient {
  readonly address: string | null
  readonly browser: string | null
  readonly operating_system: string | null
}
export type TimelineEntry = { readonly at: string } & (
  | ({
      readonly event: 'opened'
      readonly credentials_type: string
      readonly by: string | null
      readonly replaces_session_id: string | null
      readonly opened_from_session_id: string | null
      readonly new_device: boolean | null
    } & SeenClient)
  | ({ readonly event: 'client_changed' } & SeenClient)
  | {
      readonly event: 'ended'
      readonly sentence: string
      readonly decision: {
        readonly rule: string
        readonly value: number
        readonly from: string
        readonly version: number | null
      } | null
      readonly by: string | null
      readonly request_id: string | null
    }
)
export interface ExplainedSession extends AdministeredSession {
  readonly timeline: readonly TimelineEntry[]
  readonly policy: Policy['rules'] | null
  readonly source: 'mirror' | 'object'
}
export interface Job {
  readonly job_id: string
  readonly kind: string
  readonly state: 'running' | 'failing' | 'done' | 'cancelled'
  readonly done: number | null
  readonly left: number | null
  readonly failures: number
  readonly created_at: string
  readonly due_at: string
  readonly results_url: string | null
}
export interface Lockout {
  readonly lockout_id: string
  readonly user_id: string
  readonly username: string
  readonly address: string
  readonly wrong_passwords: number
  readonly locked_at: string
  readonly locked_until: string
}
export interface Overview {
  readonly live_sessions: number
  readonly users_with_sessions: number
  readonly hours: readonly {
    readonly hour: string
    readonly opened: number
    readonly ended: Readonly<Record<string, number>>
    readonly failed_sign_ins: number
  }[]
  readonly lockouts: { readonly count: number; readonly exact: boolean }
  readonly jobs: { readonly unfinished: number; readonly failing: number }
  readonly session_config: {
    readonly version: number
    readonly changed_at: string
    readonly changed_by: string | null
  }
}
export interface ConsoleSession extends SeenClient {
  readonly session_id: string
  readonly credential_id: string
  readonly name: string
  readonly current: boolean
  readonly opened_at: string
  readonly expires_at: string
}

type Query = Readonly<Record<string, string | number | undefined>>
interface Asked<Path = OfStore> {
  readonly path: Path
  readonly query?: Query
  readonly signal?: AbortSignal
}
interface OfStore {
  readonly identity_store_id: string
}
type OfUser = OfStore & { readonly user_id: string }

function at(
  { identity_store_id: store }: OfStore,
  rest: readonly string[],
  query: Query = {},
  method?: 'POST' | 'DELETE',
) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return {
    url: `/operator/identity-stores/${[store, ...rest].map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`,
    method: method ?? 'GET',
  } as const
}

async function ask<T>(
  { url, method }: ReturnType<typeof at>,
  more: { signal?: AbortSignal | undefined; body?: unknown } = {},
) {
  const { signal, body } = more
  const answer = await call<T>(url, { method, body, ...(signal === undefined ? {} : { signal }) })
  return { data: answer.body }
}

export const listStoreSessions = ({ path, query, signal }: Asked) =>
  ask<AdministeredSessionList>(at(path, ['sessions'], query), { signal })
export const countStoreSessions = ({ path, query, signal }: Asked) =>
  ask<{ count: number; exact: boolean }>(at(path, ['sessions', 'count'], query), { signal })
export const getStoreSession = ({ path, signal }: Asked<OfStore & { readonly session_id: string }>) =>
  ask<ExplainedSession>(at(path, ['sessions', path.session_id]), { signal })
export const endStoreSessions = ({ path, body }: Asked & { readonly body: object }) =>
  ask<Job>(at(path, ['sessions', 'end'], {}, 'POST'), { body })
export const listUserSessions = ({ path, signal }: Asked<OfUser>) =>
  ask<AdministeredSessionList>(at(path, ['users', path.user_id, 'sessions']), { signal })
export const endUserSessions = ({ path, body }: Asked<OfUser> & { readonly body: object }) =>
  ask<{ ended: string[] }>(at(path, ['users', path.user_id, 'sessions', 'end'], {}, 'POST'), { body })
export const listUsers = ({ path, query, signal }: Asked) =>
  ask<{ users: User[]; next_cursor: string | null; scanned: number }>(at(path, ['users'], query), { signal })
export const listJobs = ({ path, signal }: Asked) => ask<{ jobs: Job[] }>(at(path, ['jobs']), { signal })
export const retryJob = ({ path }: Asked<OfStore & { readonly job_id: string }>) =>
  ask<Job>(at(path, ['jobs', path.job_id, 'retry'], {}, 'POST'))
export const deleteJob = ({ path }: Asked<OfStore & { readonly job_id: string }>) =>
  ask<undefined>(at(path, ['jobs', path.job_id], {}, 'DELETE'))
export const listLockouts = ({ path, query, signal }: Asked) =>
  ask<{ lockouts: Lockout[]; next_cursor: string | null }>(at(path, ['lockouts'], query), { signal })
export const deleteLockout = ({ path }: Asked<OfStore & { readonly lockout_id: string }>) =>
  ask<undefined>(at(path, ['lockouts', path.lockout_id], {}, 'DELETE'))
export const getOverview = ({ path, signal }: Asked) => ask<Overview>(at(path, ['overview']), { signal })
export const listAuditEvents = ({ path, query, signal }: Asked) =>
  ask<{ audit_events: AuditEvent[]; next_cursor: string | null }>(at(path, ['audit-events'], query), { signal })

const CONSOLE_SESSIONS = '/operator/console-sessions'
export async function listConsoleSessions({ signal }: { readonly signal: AbortSignal }) {
  const answer = await call<{ console_sessions: ConsoleSession[] }>(CONSOLE_SESSIONS, { signal })
  return { data: answer.body }
}
export const endConsoleSession = ({ path }: { readonly path: { readonly session_id: string } }) =>
  call(`${CONSOLE_SESSIONS}/${path.session_id}`, { method: 'DELETE' })

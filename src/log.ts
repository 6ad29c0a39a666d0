/** The log: one JSON object for each event of interest. Of people it has only ids. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** What a log line says of its origin: a request, or an object and its store. Set where work begins. */
export const logContext = new AsyncLocalStorage<Readonly<Record<string, string>>>()

/** The events that are logged, each with its level and its outcome. docs/operating.md explains them. */
export const LOG_EVENTS = {
  'request.bug': ['error', 'answered_500'],
  'request.unavailable': ['warn', 'answered_503'],
  'dependency.unavailable': ['warn', 'failed'],
  'deployment.not_configured': ['error', 'answered_503'],
  'deployment.schema_behind': ['error', 'answered_503'],
  'deployment.other_jurisdiction': ['error', 'answered_503'],
  'deployment.setting_ignored': ['warn', 'ignored'],
  'housekeeping.failed': ['error', 'next_hour'],
  'access_key.unreadable': ['error', 'refused'],
  'openid.refused': ['warn', 'refused'],
  'openid.failed': ['warn', 'failed'],
  'logout_token.refused': ['warn', 'refused'],
  'profile.unsettled': ['error', 'tried_again'],
  'profile.unfinished': ['warn', 'tried_again'],
  'audit.not_recorded': ['warn', 'lost'],
  'mirror.failed': ['error', 'tried_again'],
  'mirror.late': ['warn', 'done'],
  'alarm.failed': ['error', 'tried_again'],
  'job.failed': ['error', 'tried_again'],
  'job.unknown': ['error', 'tried_again'],
  'events.not_read': ['error', 'tried_again'],
  'events.removed_unsent': ['error', 'lost'],
  'event_endpoint.unusable': ['error', 'not_sent'],
  'event.not_sent': ['error', 'tried_again'],
} as const satisfies Readonly<Record<string, readonly ['warn' | 'error', string]>>

export type LogEvent = keyof typeof LOG_EVENTS

/** Logs one event. What `logContext` holds is added to the line. */
export function log(event: LogEvent, facts: Readonly<Record<string, unknown>> = {}): void {
  const [level, outcome] = LOG_EVENTS[event]
  console[level]({ event, outcome, ...logContext.getStore(), ...facts })
}

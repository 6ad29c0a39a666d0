/** The state of the deployment as Prometheus reads it. What happens in a time is counted elsewhere: an isolate knows a part. */
import { ok } from '../../domain/result.ts'
import { END_REASONS } from '../../domain/session.ts'
import type { Figures } from '../../store/figures.ts'
import type { Health } from '../context.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'

/** Prometheus' text format, version 0.0.4. */
export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'

/** A value, with the label that tells it from others of its metric. */
type Sample = readonly [value: number, label?: Readonly<Record<string, string>>]

interface Metric {
  readonly help: string
  readonly samples: (figures: Figures, health: Health, now: number) => readonly Sample[]
}

const seconds = (milliseconds: number) => Math.max(0, milliseconds / 1000)

/** All are gauges. */
const METRICS: Readonly<Record<string, Metric>> = {
  latchkey_build_info: {
    help: 'Always 1; the version that answers.',
    samples: (_figures, { version }) => [[1, { version: version ?? '' }]],
  },
  latchkey_ready: {
    help: 'Whether a binding answers, and whether the schema is that of this version.',
    samples: (_figures, { bindings, missingMigrations }) => [
      ...Object.entries(bindings).map(([binding, is]): Sample => [Number(is), { part: binding }]),
      [Number(missingMigrations.length === 0), { part: 'schema' }],
    ],
  },
  latchkey_identity_stores: { help: 'Identity stores.', samples: ({ stores }) => [[stores]] },
  latchkey_live_sessions: {
    help: 'Live web sessions, as the records have them.',
    samples: ({ liveSessions }) => [[liveSessions]],
  },
  latchkey_users_with_sessions: {
    help: 'Users with a live web session at least.',
    samples: ({ usersWithSessions }) => [[usersWithSessions]],
  },
  latchkey_this_hour: {
    help: 'What happened in the hour (UTC) that is not over: opened, sign_in_failed, and ends by reason.',
    samples: ({ thisHour }) =>
      ['opened', 'sign_in_failed', ...END_REASONS].map((event): Sample => [thisHour[event] ?? 0, { event }]),
  },
  latchkey_lockouts: { help: 'Lockouts in force.', samples: ({ lockouts }) => [[lockouts]] },
  latchkey_failing_work: {
    help: 'Durable work that has failed three times in a row or more, by kind; event_endpoint: endpoints that take nothing.',
    samples: ({ failing }) => failing.map(({ kind, count }): Sample => [count, { kind }]),
  },
  latchkey_failing_work_age_seconds: {
    help: 'How long the oldest of these has been failing.',
    samples: ({ failing }, _health, now) => failing.map(({ kind, since }): Sample => [seconds(now - since), { kind }]),
  },
  latchkey_event_endpoints: {
    help: 'Event endpoints, by state.',
    samples: ({ endpoints, disabledEndpoints }) => [
      [endpoints - disabledEndpoints, { state: 'enabled' }],
      [disabledEndpoints, { state: 'disabled' }],
    ],
  },
  latchkey_mirror_lag_seconds: {
    help: 'How old a change was that came late (60 s or more) to D1 in the last five minutes; 0: none did.',
    samples: ({ mirrorLagMilliseconds }) => [[seconds(mirrorLagMilliseconds)]],
  },
  latchkey_session_config_changed_timestamp_seconds: {
    help: 'When a session config was last changed.',
    samples: ({ configChangedAt }) => (configChangedAt === null ? [] : [[seconds(configChangedAt)]]),
  },
  latchkey_database_bytes: { help: 'Size of the D1 database.', samples: ({ databaseBytes }) => [[databaseBytes]] },
  latchkey_figures_complete: {
    help: '0: there are more stores, lockouts or endpoints than one look takes in, and the figures are a part.',
    samples: ({ complete }) => [[Number(complete)]],
  },
}

/** `GET /operator/metrics` */
export async function getMetrics(_request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const { services, now } = context
  const [figures, health] = await Promise.all([services.figures(now), services.health(now)])
  if (!figures.ok) return figures
  const text = Object.entries(METRICS).map(([name, { help, samples }]) =>
    [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} gauge`,
      ...samples(figures.value, health, now).map(([value, label]) => `${name}${labelOf(label)} ${value}`),
    ].join('\n'),
  )
  const headers = { 'content-type': PROMETHEUS_TEXT, 'cache-control': 'no-store' }
  return ok(new Response(`${text.join('\n')}\n`, { headers }))
}

function labelOf(label: Sample[1]): string {
  if (label === undefined) return ''
  // No value has what would have to be escaped: names of ours, and ids of versions.
  return `{${Object.entries(label).map(([name, value]) => `${name}="${value}"`)}}`
}

/** Whatever may come to the domain. Times are small, so that limits and time-outs are met often. */
import fc from 'fast-check'
import type { Command } from '../../src/domain/lifecycle.ts'
import {
  type ClientKindLimits,
  DEFAULT_SESSION_CONFIG,
  NO_RULES,
  type Policy,
  resolvePolicy,
  type UserStatus,
  type Versioned,
  WHEN_LIMIT_REACHED,
  type WhenLimitReached,
} from '../../src/domain/policy.ts'
import type { Client, Session } from '../../src/domain/session.ts'

/** Where the stories begin, epoch milliseconds. */
export const START = 1_800_000_000_000

/** The rules that a test cares about. */
export interface Rules {
  readonly overallSeconds: number
  readonly idleSeconds: number | null
  readonly limit: number | null
  readonly whenReached: WhenLimitReached
  readonly byKind: ClientKindLimits | null
  readonly apiSeconds: number
  readonly apiCap: number
}

/** A policy with these rules. */
export function policyOf(rules: Rules): Policy {
  const service = { from: 'default', version: null, layers: {} } as const
  return {
    overallTimeoutSeconds: { value: rules.overallSeconds, ...service },
    inactivityTimeoutSeconds: { value: rules.idleSeconds, ...service },
    concurrentSessionLimit: { value: rules.limit ?? 1_000, ...service },
    clientKindLimits: { value: rules.byKind, ...service },
    whenLimitReached: { value: rules.whenReached, ...service },
    persistentCookie: { value: true, ...service },
    trackLocation: { value: false, ...service },
    apiSessionSeconds: rules.apiSeconds,
    apiSessionsPerClient: rules.apiCap,
    operatorSessionSeconds: 28_800,
    operatorInactivityTimeoutSeconds: 1_800,
  }
}

/** A session; `given` decides what matters. */
export function sessionOf(given: Partial<Session> & { readonly id: string }): Session {
  const openedAt = given.openedAt ?? START
  return {
    kind: 'web',
    epoch: ACTIVE.version,
    openedAt,
    lastSeenAt: openedAt,
    persistent: false,
    credentialsType: 'password',
    client: { address: '192.0.2.1', userAgent: 'A' },
    recentClient: null,
    location: null,
    actor: null,
    apiClientId: null,
    cookieIssuedAt: null,
    ...given,
  }
}

const anyLimit = fc.option(fc.integer({ min: 1, max: 3 }))

/** Any rules. */
export const anyRules: fc.Arbitrary<Rules> = fc.record({
  overallSeconds: fc.integer({ min: 5, max: 60 }),
  idleSeconds: fc.option(fc.integer({ min: 2, max: 30 })),
  limit: fc.option(fc.integer({ min: 1, max: 4 })),
  whenReached: fc.constantFrom(...WHEN_LIMIT_REACHED),
  byKind: fc.option(fc.record({ web: anyLimit, mobile: anyLimit })),
  apiSeconds: fc.integer({ min: 5, max: 60 }),
  apiCap: fc.integer({ min: 1, max: 3 }),
})

/** Who speaks. */
const anyClient: fc.Arbitrary<Client> = fc.record({
  address: fc.constantFrom('192.0.2.1', '192.0.2.2', null),
  userAgent: fc.constantFrom('A', 'B'),
})

/** One step of a story. Sessions are named by their place among those opened so far. */
export type Step =
  | {
      readonly do: 'open'
      readonly apiClientId: string | null
      readonly replaces: number | null
      readonly endSessions: readonly number[]
      readonly mobile: boolean
      /** How many epochs ago the user was verified. */
      readonly epochsAgo: number
    }
  | { readonly do: 'check'; readonly which: number; readonly touch: boolean; readonly client: Client | null }
  | { readonly do: 'end'; readonly which: readonly number[] }
  | { readonly do: 'end all'; readonly kinds: 'web' | 'every kind' }
  | { readonly do: 'end others'; readonly but: number }
  | { readonly do: 'tick' }
  | { readonly do: 'rules'; readonly rules: Rules }
  | { readonly do: 'status'; readonly active: boolean; readonly newPassword: boolean }

/** A step and how much later it comes, milliseconds; now and then the clock steps back. */
export interface TimedStep {
  readonly after: number
  readonly step: Step
}

const place = fc.nat(7)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      apiClientId: fc.constantFrom(null, null, 'c1', 'c2'),
      replaces: fc.option(place, { freq: 4 }),
      endSessions: fc.array(place, { maxLength: 2 }),
      mobile: fc.boolean(),
      epochsAgo: fc.constantFrom(0, 0, 0, 0, 1, 2),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('check' as const),
      which: place,
      touch: fc.boolean(),
      client: fc.option(anyClient),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.array(place, { maxLength: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('end all' as const),
      kinds: fc.constantFrom('web' as const, 'every kind' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end others' as const), but: place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rules' as const), rules: anyRules }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      active: fc.constantFrom(true, true, false),
      newPassword: fc.boolean(),
    }),
  },
)

const anyDelay = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 30 }).map((seconds) => seconds * 1000),
  fc.integer({ min: 1, max: 30_000 }),
  fc.integer({ min: -2_000, max: -1 }),
)

/** What happens to one user, in order. */
export const anyStory: fc.Arbitrary<TimedStep[]> = fc.array(fc.record({ after: anyDelay, step: anyStep }), {
  maxLength: 30,
})

/** UserRules and limits in any combination, resolved: what policies look like in earnest. */
export const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    sessionMinutes: fc.integer({ min: 5, max: 43_200 }),
    concurrentSessionLimit: fc.option(fc.integer({ min: 1, max: 100 })),
    useInactivityBasedLogout: fc.boolean(),
    durationSeconds: fc.option(fc.integer({ min: 28_800, max: 315_569_520 })),
    apiSessionSeconds: fc.integer({ min: 1, max: 86_400 }),
    inactivityTimeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
  })
  .map(({ durationSeconds, apiSessionSeconds, inactivityTimeoutSeconds, ...config }) =>
    resolvePolicy(
      {
        config: {
          version: 1,
          value: { ...DEFAULT_SESSION_CONFIG, ...config },
        },
        group: NO_RULES.group,
        settings: { version: 1, value: { durationSeconds, desktopAppBrowserQuit: null } },
        status: ACTIVE,
      },
      {
        inactivityTimeoutSeconds,
        apiSessionSeconds,
        apiSessionsPerClient: 100,
        operatorSessionSeconds: 28_800,
        operatorInactivityTimeoutSeconds: 1_800,
        maxConcurrentSessions: 1_000,
        maxOverallTimeoutSeconds: null,
        maxInactivityTimeoutSeconds: null,
      },
    ),
  )

/** A user who may have sessions. */
export const ACTIVE: Versioned<UserStatus> = { version: 1, value: { active: true, sessionsValidFrom: 0 } }

/** A command for a step other than a change of the rules. `ids` are those of all sessions opened so far. */
export function commandOf(step: Step, ids: readonly string[], now: number, epoch = ACTIVE.version): Command {
  const at = (which: number) => ids[which] ?? 'unknown'
  switch (step.do) {
    case 'open': {
      const kind = step.apiClientId === null ? 'web' : 'api'
      const verified = { epoch: Math.max(0, epoch - step.epochsAgo), openedAt: now }
      const client = { address: '192.0.2.1', userAgent: step.mobile ? 'Mobile' : 'A' }
      const session = sessionOf({ id: `s${ids.length}`, ...verified, kind, client, apiClientId: step.apiClientId })
      const replaces = step.replaces === null ? null : at(step.replaces)
      return { type: 'open', session, replaces, endSessions: step.endSessions.map(at) }
    }
    case 'check':
      return { type: 'check', id: at(step.which), touch: step.touch, client: step.client }
    case 'end':
      return { type: 'end', which: { only: step.which.map(at) }, reason: 'revoked' }
    case 'end all':
      return { type: 'end', which: { all: step.kinds }, reason: 'revoked' }
    case 'end others':
      return { type: 'end', which: { allWebBut: at(step.but) }, reason: 'revoked' }
    case 'tick':
    case 'rules':
    case 'status':
      return { type: 'tick' }
  }
}

/** What is enforced for one user, and which layer decided it. Pure. */
import type { ClientKind } from './client-kind.ts'

/** Overall timeout of a session config, in minutes. Source: Looker API 4.0, SessionConfig.session_minutes. */
export const MIN_SESSION_MINUTES = 5
/** 30 days. */
export const MAX_SESSION_MINUTES = 43_200
/** Shortest overall timeout of a user's own settings, in seconds (8 hours). Source: Slack, admin.users.session.setSettings. */
export const MIN_DURATION_SECONDS = 28_800
/** Longest, in seconds (10 years). Source: as above. */
export const MAX_DURATION_SECONDS = 315_569_520

/** Bounds of an overall timeout of a config or a group, in seconds: the same, said more finely. */
export const MIN_OVERALL_TIMEOUT_SECONDS = MIN_SESSION_MINUTES * 60
export const MAX_OVERALL_TIMEOUT_SECONDS = MAX_SESSION_MINUTES * 60
/** Bounds of an inactivity timeout, in seconds. */
export const MIN_INACTIVITY_TIMEOUT_SECONDS = 60
export const MAX_INACTIVITY_TIMEOUT_SECONDS = 2_592_000

/** What happens when a user opens one session more than the limit allows. */
export const WHEN_LIMIT_REACHED = ['evict_oldest', 'evict_least_recently_seen', 'refuse'] as const
export type WhenLimitReached = (typeof WHEN_LIMIT_REACHED)[number]

/** A limit for each kind of client; null where only the limit of all of them counts. */
export type ClientKindLimits = Readonly<Record<ClientKind, number | null>>

/** Settings for every user of an identity store. */
export interface SessionConfig {
  readonly allowPersistentSessions: boolean
  /** Overall timeout, in minutes; a fraction where it was said in seconds. */
  readonly sessionMinutes: number
  /** How many `web` sessions a user may have at once; null for as many as the service allows. */
  readonly concurrentSessionLimit: number | null
  /** Beside it; null: all kinds of clients together. */
  readonly clientKindLimits: ClientKindLimits | null
  readonly whenLimitReached: WhenLimitReached
  readonly useInactivityBasedLogout: boolean
  /** Of those who use it, in seconds; null: as long as the service says. */
  readonly inactivityTimeoutSeconds: number | null
  readonly trackSessionLocation: boolean
}

/** What holds where a store has set nothing. */
export const DEFAULT_SESSION_CONFIG: SessionConfig = {
  allowPersistentSessions: true,
  sessionMinutes: MAX_SESSION_MINUTES,
  concurrentSessionLimit: null,
  clientKindLimits: null,
  whenLimitReached: 'evict_oldest',
  useInactivityBasedLogout: false,
  inactivityTimeoutSeconds: null,
  trackSessionLocation: false,
}

/** How many sessions at once, and what happens when there would be more. */
export interface ConcurrentSessions {
  readonly limit: number | null
  readonly whenReached: WhenLimitReached
  readonly byClientKind: ClientKindLimits | null
}

/** Settings for the users of one group; what is missing is left to the store's config. */
export interface GroupConfig {
  readonly overallTimeoutSeconds?: number
  /** Null: no inactivity timeout. */
  readonly inactivityTimeoutSeconds?: number | null
  readonly concurrentSessions?: ConcurrentSessions
}

/** One user's own settings; null where the user has none and the config decides. */
export interface SessionSettings {
  readonly durationSeconds: number | null
  readonly desktopAppBrowserQuit: boolean | null
}

export const NO_SESSION_SETTINGS: SessionSettings = { durationSeconds: null, desktopAppBrowserQuit: null }

/** A thing that changes, with a version that only grows: of two, the higher one is the truth. */
export interface Versioned<T> {
  readonly version: number
  readonly value: T
}

/**
 * Whether a user may have sessions, and which. Its version is the user's epoch: a new password, a disable and a
 * delete raise it, and a session that was verified under a lower one is void. So does an enable, which has nobody
 * to sign out.
 */
export interface UserStatus {
  /** A disabled user has none and gets none. */
  readonly active: boolean
  /** Of a deleted user nothing need be remembered either. Missing where an earlier version says it. */
  readonly deleted?: boolean
  /** Not used any more: told to objects that still run a version without epochs. */
  readonly sessionsValidFrom: number
}

/**
 * The version of a group's rules for one user counts the user's changes of group in units of this, and the versions of the
 * group's config below it: so it grows with either.
 */
export const GROUP_CHANGE = 2 ** 32

/** What a user's object knows of the rules. */
export interface UserRules {
  readonly config: Versioned<SessionConfig>
  /** Of the user's group. The version grows also when the user goes to another group (`GROUP_CHANGE`). */
  readonly group: Versioned<GroupConfig>
  readonly settings: Versioned<SessionSettings>
  readonly status: Versioned<UserStatus>
}

/** What may be newer of a user's rules: any part may be missing. */
export type RuleUpdates = { readonly [Part in keyof UserRules]?: UserRules[Part] | undefined }

/** Rules before any are known. Version 0 is older than anything stored. */
export const NO_RULES: UserRules = {
  config: { version: 0, value: DEFAULT_SESSION_CONFIG },
  group: { version: 0, value: {} },
  settings: { version: 0, value: NO_SESSION_SETTINGS },
  status: { version: 0, value: { active: true, sessionsValidFrom: 0 } },
}

/** Takes what is newer. Returns `known` itself where nothing is. */
export function mergeNewer(known: UserRules, updates: RuleUpdates): UserRules {
  const config = newest(known.config, updates.config)
  const group = newest(known.group, updates.group)
  const settings = newest(known.settings, updates.settings)
  const status = newest(known.status, updates.status)
  if (config === known.config && group === known.group && settings === known.settings && status === known.status) {
    return known
  }
  return { config, group, settings, status }
}

function newest<T>(known: Versioned<T>, update: Versioned<T> | undefined): Versioned<T> {
  return update !== undefined && update.version > known.version ? update : known
}

/**
 * What the deployment's variables say: limits that no other layer has, and ceilings that no layer exceeds. Names end
 * with their unit.
 */
export interface Limits {
  /** Where a config uses an inactivity timeout and does not say which. */
  readonly inactivityTimeoutSeconds: number
  readonly apiSessionSeconds: number
  readonly apiSessionsPerClient: number
  readonly operatorSessionSeconds: number
  readonly operatorInactivityTimeoutSeconds: number
  readonly maxConcurrentSessions: number
  /** Null: no ceiling. */
  readonly maxOverallTimeoutSeconds: number | null
  /** Null: no ceiling. */
  readonly maxInactivityTimeoutSeconds: number | null
}

/** A layer that may decide a rule, the strongest first but for the ceiling, which lowers what they say. */
export const LAYERS = ['settings', 'group', 'config', 'default'] as const
export type Layer = (typeof LAYERS)[number]

/** One rule: what holds, who said so, and what each layer said; a layer that is missing said nothing. */
export interface Rule<T> {
  readonly value: T
  readonly from: Layer | 'ceiling'
  /** Of the layer that decided; null: it has none. */
  readonly version: number | null
  readonly layers: Readonly<Partial<Record<Layer | 'ceiling', T>>>
}

/** Config, group and settings resolved for one user: what is enforced. */
export interface Policy {
  readonly overallTimeoutSeconds: Rule<number>
  /** Null: sessions do not idle out. */
  readonly inactivityTimeoutSeconds: Rule<number | null>
  readonly concurrentSessionLimit: Rule<number>
  readonly clientKindLimits: Rule<ClientKindLimits | null>
  readonly whenLimitReached: Rule<WhenLimitReached>
  /** Whether a session that asks for it gets a cookie that outlives the browser. */
  readonly persistentCookie: Rule<boolean>
  readonly trackLocation: Rule<boolean>
  /** Fixed life of a session of kind `api`. */
  readonly apiSessionSeconds: number
  /** Live sessions of kind `api` per API client. */
  readonly apiSessionsPerClient: number
  /** Overall and inactivity timeout of a session of kind `operator`. */
  readonly operatorSessionSeconds: number
  readonly operatorInactivityTimeoutSeconds: number
}

/** Resolves the policy of one user: the user's own settings beat the group, and the group the store's config. */
export function resolvePolicy(rules: UserRules, limits: Limits): Policy {
  // What an earlier version wrote lacks the newer fields.
  const config = { ...DEFAULT_SESSION_CONFIG, ...rules.config.value }
  const group = rules.group.value
  const { durationSeconds, desktopAppBrowserQuit } = rules.settings.value
  const configured = <T>(value: T, standard: T) => ({
    ...(rules.config.version === 0 ? {} : { config: value }),
    default: standard,
  })
  const inactivity = config.useInactivityBasedLogout
    ? (config.inactivityTimeoutSeconds ?? limits.inactivityTimeoutSeconds)
    : null
  const { concurrentSessions } = group
  const versions: Versions = {
    settings: rules.settings.version,
    // The version of the group's config alone.
    group: rules.group.version % GROUP_CHANGE,
    config: rules.config.version,
  }
  const rule = <T>(said: Said<T>, ceiling: (T & number) | null = null) => decided(said, versions, ceiling)
  return {
    overallTimeoutSeconds: rule<number>(
      {
        settings: durationSeconds ?? undefined,
        group: group.overallTimeoutSeconds,
        ...configured(Math.round(config.sessionMinutes * 60), MAX_OVERALL_TIMEOUT_SECONDS),
      },
      limits.maxOverallTimeoutSeconds,
    ),
    inactivityTimeoutSeconds: rule<number | null>(
      { group: group.inactivityTimeoutSeconds, ...configured<number | null>(inactivity, null) },
      limits.maxInactivityTimeoutSeconds,
    ),
    concurrentSessionLimit: rule<number | null>(
      { group: concurrentSessions?.limit, ...configured(config.concurrentSessionLimit, null) },
      limits.maxConcurrentSessions,
    ) as Rule<number>,
    clientKindLimits: rule<ClientKindLimits | null>({
      group: concurrentSessions?.byClientKind,
      ...configured(config.clientKindLimits, null),
    }),
    whenLimitReached: rule<WhenLimitReached>({
      group: concurrentSessions?.whenReached,
      ...configured(config.whenLimitReached, DEFAULT_SESSION_CONFIG.whenLimitReached),
    }),
    persistentCookie: rule<boolean>({
      settings: desktopAppBrowserQuit === true ? false : undefined,
      ...configured(config.allowPersistentSessions, DEFAULT_SESSION_CONFIG.allowPersistentSessions),
    }),
    trackLocation: rule<boolean>(configured(config.trackSessionLocation, DEFAULT_SESSION_CONFIG.trackSessionLocation)),
    apiSessionSeconds: limits.apiSessionSeconds,
    apiSessionsPerClient: limits.apiSessionsPerClient,
    operatorSessionSeconds: limits.operatorSessionSeconds,
    operatorInactivityTimeoutSeconds: limits.operatorInactivityTimeoutSeconds,
  }
}

type Said<T> = { readonly [L in Exclude<Layer, 'default'>]?: T | undefined } & { readonly default: T }

type Versions = Readonly<Partial<Record<Layer | 'ceiling', number>>>

/** The first layer that says something decides, but never beyond the ceiling; null is without end. */
function decided<T>(said: Said<T>, versions: Versions, ceiling: (T & number) | null): Rule<T> {
  const from = (['settings', 'group', 'config'] as const).find((layer) => said[layer] !== undefined) ?? 'default'
  const value = said[from] as T
  const layers = Object.fromEntries(Object.entries(said).filter(([, one]) => one !== undefined))
  const version = versions[from] ?? null
  if (ceiling === null) return { value, from, version, layers }
  const exceeds = typeof value !== 'number' || value > ceiling
  return {
    ...(exceeds ? { value: ceiling, from: 'ceiling', version: null } : { value, from, version }),
    layers: { ...layers, ceiling },
  }
}

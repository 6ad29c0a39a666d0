/** What is enforced for one user, and which layer decided it. Pure. */

/** Overall timeout of a session config, in minutes. Source: Looker API 4.0, SessionConfig.session_minutes. */
export const MIN_SESSION_MINUTES = 5
/** 30 days. */
export const MAX_SESSION_MINUTES = 43_200
/** Shortest overall timeout of a user's own settings, in seconds (8 hours). Source: Slack, admin.users.session.setSettings. */
export const MIN_DURATION_SECONDS = 28_800
/** Longest, in seconds (10 years). Source: as above. */
export const MAX_DURATION_SECONDS = 315_569_520

/** Settings for every user of an identity store. */
export interface SessionConfig {
  readonly allowPersistentSessions: boolean
  readonly sessionMinutes: number
  /** How many `web` sessions a user may have at once; null for as many as the service allows. */
  readonly concurrentSessionLimit: number | null
  readonly useInactivityBasedLogout: boolean
  readonly trackSessionLocation: boolean
}

/** What holds where a store has set nothing. */
export const DEFAULT_SESSION_CONFIG: SessionConfig = {
  allowPersistentSessions: true,
  sessionMinutes: MAX_SESSION_MINUTES,
  concurrentSessionLimit: null,
  useInactivityBasedLogout: false,
  trackSessionLocation: false,
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
  /** A deleted user has nothing to be remembered either. Missing where a version of before says it. */
  readonly deleted?: boolean
  /** Not used any more: told to objects that still run the version before epochs. */
  readonly sessionsValidFrom: number
}

/** What a user's object knows of the rules. */
export interface UserRules {
  readonly config: Versioned<SessionConfig>
  readonly settings: Versioned<SessionSettings>
  readonly status: Versioned<UserStatus>
}

/** RuleUpdates about the rules: any part may be missing. */
export type RuleUpdates = { readonly [Part in keyof UserRules]?: UserRules[Part] | undefined }

/** UserRules before anything was learned. Version 0 is older than anything stored. */
export const NO_RULES: UserRules = {
  config: { version: 0, value: DEFAULT_SESSION_CONFIG },
  settings: { version: 0, value: NO_SESSION_SETTINGS },
  status: { version: 0, value: { active: true, sessionsValidFrom: 0 } },
}

/** Takes what is newer. Returns `known` itself where nothing is. */
export function mergeNewer(known: UserRules, updates: RuleUpdates): UserRules {
  const config = newest(known.config, updates.config)
  const settings = newest(known.settings, updates.settings)
  const status = newest(known.status, updates.status)
  if (config === known.config && settings === known.settings && status === known.status) return known
  return { config, settings, status }
}

function newest<T>(known: Versioned<T>, updates: Versioned<T> | undefined): Versioned<T> {
  return updates !== undefined && updates.version > known.version ? updates : known
}

/** Limits that come from neither config nor settings. */
export interface Limits {
  readonly inactivityTimeoutSeconds: number
  readonly apiSessionSeconds: number
  readonly apiSessionsPerClient: number
  /** A ceiling that no limit of concurrent sessions exceeds. */
  readonly webSessionsPerUser: number
}

/** The layer that decided a rule. */
export type Layer = 'settings' | 'config' | 'default' | 'service'

/** One rule: what holds, and who said so. */
export interface Rule<T> {
  readonly value: T
  readonly from: Layer
}

/** Config and settings resolved for one user: what is enforced. */
export interface Policy {
  readonly overallTimeoutSeconds: Rule<number>
  /** Null: sessions do not idle out. */
  readonly inactivityTimeoutSeconds: Rule<number | null>
  readonly concurrentSessionLimit: Rule<number>
  /** Whether a session that asks for it gets a cookie that outlives the browser. */
  readonly persistentCookie: Rule<boolean>
  readonly trackLocation: Rule<boolean>
  /** Fixed life of a session of kind `api`. */
  readonly apiSessionSeconds: Rule<number>
  /** Live sessions of kind `api` per API client. */
  readonly apiSessionsPerClient: Rule<number>
}

/** Resolves the policy of one user: the user's own setting beats the store's config. */
export function resolvePolicy(rules: UserRules, limits: Limits): Policy {
  const { config, settings } = rules
  const fromConfig: Layer = config.version === 0 ? 'default' : 'config'
  const { durationSeconds, desktopAppBrowserQuit } = settings.value
  const { concurrentSessionLimit } = config.value
  return {
    overallTimeoutSeconds:
      durationSeconds === null
        ? { value: config.value.sessionMinutes * 60, from: fromConfig }
        : { value: durationSeconds, from: 'settings' },
    inactivityTimeoutSeconds: {
      value: config.value.useInactivityBasedLogout ? limits.inactivityTimeoutSeconds : null,
      from: fromConfig,
    },
    concurrentSessionLimit:
      concurrentSessionLimit === null || concurrentSessionLimit > limits.webSessionsPerUser
        ? { value: limits.webSessionsPerUser, from: 'service' }
        : { value: concurrentSessionLimit, from: fromConfig },
    persistentCookie:
      desktopAppBrowserQuit === true
        ? { value: false, from: 'settings' }
        : { value: config.value.allowPersistentSessions, from: fromConfig },
    trackLocation: { value: config.value.trackSessionLocation, from: fromConfig },
    apiSessionSeconds: { value: limits.apiSessionSeconds, from: 'service' },
    apiSessionsPerClient: { value: limits.apiSessionsPerClient, from: 'service' },
  }
}

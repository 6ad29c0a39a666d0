/** The variables and secrets, checked once. Nothing else reads them. */
import { z } from 'zod'
import { type HashCost, parseHashCost } from './domain/hash-cost.ts'
import type { Limits } from './domain/policy.ts'
import type { Result } from './domain/result.ts'
import { DEFAULT_RETENTION, type Retention } from './domain/retention.ts'
import { JURISDICTIONS, type Jurisdiction } from './jurisdiction.ts'

/** One symmetric key. Of several, the first one signs or seals, all of them verify or open. */
export interface Key {
  /** 1 to 255. */
  readonly id: number
  readonly secret: Uint8Array
}

const seconds = z.coerce.number().int().positive()
const count = z.coerce.number().int().positive()
const list = z.string().transform((text) => text.split(',').flatMap((entry) => entry.trim() || []))
const origins = list.pipe(z.array(z.string().refine(isWebOrigin, 'not an origin')))

/** `https://host` or `http://host`, with a port where it is not the usual one, as browsers write it. */
function isWebOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text
}

/** The pages of applications and of browser extensions have origins too: `capacitor://localhost`. */
function isOrigin(text: string): boolean {
  return isWebOrigin(text) || /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(:\d+)?$/.test(text)
}

/** As PHC strings have it. */
const hashCost = z.string().transform((text, context): HashCost => {
  const cost = parseHashCost(text)
  if (cost !== null) return cost
  context.addIssue({ code: 'custom', message: 'must be a cost of scrypt that can be verified, as ln=14,r=8,p=5' })
  return z.NEVER
})

/** `id:base64url` pairs, comma-separated, newest first; 32 bytes each. */
const keys = z.string().transform((text, context): Key[] => {
  const parsed = text.split(',').map((pair) => /^(\d{1,3}):([A-Za-z0-9_-]{43})$/.exec(pair.trim()))
  const list = parsed.flatMap((match) =>
    match?.[1] !== undefined && match[2] !== undefined
      ? [{ id: Number(match[1]), secret: Uint8Array.fromBase64(match[2], { alphabet: 'base64url' }) }]
      : [],
  )
  const ids = new Set(list.map(({ id }) => id))
  if (
    list.length === 0 ||
    list.length !== parsed.length ||
    ids.size !== list.length ||
    ids.has(0) ||
    Math.max(...ids) > 255
  ) {
    context.addIssue({ code: 'custom', message: 'must be id:key pairs (id 1 to 255, key 32 bytes in base64url)' })
    return z.NEVER
  }
  return list
})

const Variables = z.object({
  PUBLIC_ORIGINS: origins.refine((list) => list.length > 0, 'needs at least one origin'),
  ALLOWED_ORIGINS: list,
  COOKIE_SAME_SITE: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['lax', 'strict', 'none'], 'must be Lax, Strict or None'))
    .default('lax'),
  INACTIVITY_TIMEOUT_SECONDS: seconds,
  LAST_SEEN_WRITE_SECONDS: seconds,
  API_SESSION_SECONDS: seconds,
  API_SESSIONS_PER_CLIENT: count,
  OPERATOR_SESSION_SECONDS: seconds.default(28_800),
  OPERATOR_INACTIVITY_TIMEOUT_SECONDS: seconds.default(1_800),
  MAX_CONCURRENT_SESSIONS: count.default(1_000),
  MAX_OVERALL_TIMEOUT_SECONDS: seconds.optional(),
  MAX_INACTIVITY_TIMEOUT_SECONDS: seconds.optional(),
  SIGN_IN_FLOOR_MILLISECONDS: z.coerce.number().int().nonnegative(),
  SIGN_IN_WINDOW_SECONDS: seconds,
  SIGN_IN_LOCK_SECONDS: seconds,
  SIGN_IN_TRIES_PER_USER_AND_ADDRESS: count,
  SIGN_IN_TRIES_PER_ADDRESS: count,
  SIGN_IN_TRIES_BEFORE_SLOWING: count,
  SIGN_IN_TRIES_PER_USER: count.default(100),
  FRESH_SIGN_IN_SECONDS: seconds.default(900),
  PASSWORD_HASH_COST: hashCost.default({ ln: 14, r: 8, p: 5 }),
  CONFIG_VERIFY_SECONDS: seconds,
  SESSION_RECORD_RETENTION_DAYS: count.default(DEFAULT_RETENTION.sessionRecordDays),
  AUDIT_RETENTION_DAYS: count.default(DEFAULT_RETENTION.auditDays),
  CREDENTIAL_RETENTION_DAYS: count.default(DEFAULT_RETENTION.credentialDays),
  EVENT_RETENTION_DAYS: count.default(DEFAULT_RETENTION.eventDays),
  SLACK_TIER2_PER_MINUTE: count,
  SLACK_TIER4_PER_MINUTE: count,
  LOOKER_CONFIG_CHANGES_PER_MINUTE: count.default(60),
  ACCESS_KEY_SIGNATURES: z.enum(['as_vendor', 'strict']).default('as_vendor'),
  JURISDICTION: z.enum(['', ...JURISDICTIONS], `must be one of ${JURISDICTIONS.join(', ')}, or empty`).default(''),
  SESSION_TOKEN_KEYS: keys,
  SEALING_KEYS: keys,
  OPERATOR_BOOTSTRAP_SECRET: z.string().min(32),
  OPERATOR_RECOVERY_SECRET: z.string().min(32).optional(),
  APPLICATION_SERVER_URL: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  APPLICATION_SERVER_TIMEOUT_MILLISECONDS: count.default(3_000),
  APPLICATION_SERVER_MAX_CALLS: count.default(10),
  APPLICATION_SERVER_SECRET: z.string().min(32).optional(),
  APPLICATION_SERVER: z.unknown().optional(),
})

const CheckedVariables = Variables.refine(
  (v) =>
    v.APPLICATION_SERVER_SECRET !== undefined ||
    (v.APPLICATION_SERVER_URL === '' && v.APPLICATION_SERVER === undefined),
  { path: ['APPLICATION_SERVER_SECRET'], message: 'is needed to speak to the application server' },
).refine((v) => v.OPERATOR_RECOVERY_SECRET !== v.OPERATOR_BOOTSTRAP_SECRET, {
  path: ['OPERATOR_RECOVERY_SECRET'],
  message: 'must differ from the bootstrap secret',
})

/** How the application server is reached. */
export interface ApplicationServerSettings {
  /** Base URL; null where a service binding leads there. */
  readonly url: string | null
  readonly secret: string | null
  /** Whether there is one: a secret, and a binding or a URL. */
  readonly isConfigured: boolean
  readonly timeoutMilliseconds: number
  /** How many calls may be under way at the same time. */
  readonly maxCalls: number
}

/** How sign-in attempts are limited. */
export interface ThrottleSettings {
  readonly floorMilliseconds: number
  readonly windowSeconds: number
  readonly lockSeconds: number
  readonly triesPerUserAndAddress: number
  readonly triesPerAddress: number
  readonly triesBeforeSlowing: number
  readonly triesPerUser: number
}

/** How many calls a minute a credential may make of one method of a tier of the Slack API. */
export interface SlackTiers {
  readonly tier2: number
  readonly tier4: number
}

/** The variables and secrets, typed. */
export interface Settings {
  /** Origins under which this service is reached, `https://host[:port]`. */
  readonly publicOrigins: readonly string[]
  /** Other origins whose pages may use the cookie. */
  readonly allowedOrigins: readonly string[]
  readonly cookieSameSite: 'lax' | 'strict' | 'none'
  /** Entries of `ALLOWED_ORIGINS` that are no origins: they do not stop the service. */
  readonly ignoredOrigins: readonly string[]
  readonly limits: Limits
  readonly lastSeenWriteSeconds: number
  readonly throttle: ThrottleSettings
  /** How old a sign-in may be for users to end their other sessions with it, on the page `/devices`. */
  readonly freshSignInSeconds: number
  /** Of new password hashes, and of every sign-in. */
  readonly passwordHashCost: HashCost
  readonly configVerifySeconds: number
  readonly retention: Retention
  readonly slackTiers: SlackTiers
  /** How often a minute one user may change the session config by Looker's API. */
  readonly lookerConfigChangesPerMinute: number
  /** Whether signed requests must have signed host, body and security token, which the vendor leaves open. */
  readonly strictSignatures: boolean
  /** Where Durable Objects may be; null: anywhere. */
  readonly jurisdiction: Jurisdiction | null
  readonly sessionTokenKeys: readonly Key[]
  readonly sealingKeys: readonly Key[]
  readonly operatorBootstrapSecret: string
  /** Null, except while an operator is to be recovered. */
  readonly operatorRecoverySecret: string | null
  readonly applicationServer: ApplicationServerSettings
}

const checked = new WeakMap<object, Result<Settings, string[]>>()

/** The settings in `env`, or the names of the variables that are missing or wrong. Never says a value. */
export function readSettings(env: object): Result<Settings, string[]> {
  let result = checked.get(env)
  if (result === undefined) {
    result = parseSettings(env)
    checked.set(env, result)
  }
  return result
}

/** The same, for where nobody could be answered: throws if any is missing or wrong. */
export function requireSettings(env: object): Settings {
  const settings = readSettings(env)
  if (!settings.ok) throw new Error(`not configured: ${settings.error.join('; ')}`)
  return settings.value
}

function parseSettings(env: object): Result<Settings, string[]> {
  const parsed = CheckedVariables.safeParse(env)
  if (!parsed.success) {
    return { ok: false, error: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) }
  }
  const v = parsed.data
  return {
    ok: true,
    value: {
      publicOrigins: v.PUBLIC_ORIGINS,
      allowedOrigins: v.ALLOWED_ORIGINS.filter(isOrigin),
      ignoredOrigins: v.ALLOWED_ORIGINS.filter((entry) => !isOrigin(entry)),
      cookieSameSite: v.COOKIE_SAME_SITE,
      limits: {
        inactivityTimeoutSeconds: v.INACTIVITY_TIMEOUT_SECONDS,
        apiSessionSeconds: v.API_SESSION_SECONDS,
        apiSessionsPerClient: v.API_SESSIONS_PER_CLIENT,
        operatorSessionSeconds: v.OPERATOR_SESSION_SECONDS,
        operatorInactivityTimeoutSeconds: v.OPERATOR_INACTIVITY_TIMEOUT_SECONDS,
        maxConcurrentSessions: v.MAX_CONCURRENT_SESSIONS,
        maxOverallTimeoutSeconds: v.MAX_OVERALL_TIMEOUT_SECONDS ?? null,
        maxInactivityTimeoutSeconds: v.MAX_INACTIVITY_TIMEOUT_SECONDS ?? null,
      },
      lastSeenWriteSeconds: v.LAST_SEEN_WRITE_SECONDS,
      throttle: {
        floorMilliseconds: v.SIGN_IN_FLOOR_MILLISECONDS,
        windowSeconds: v.SIGN_IN_WINDOW_SECONDS,
        lockSeconds: v.SIGN_IN_LOCK_SECONDS,
        triesPerUserAndAddress: v.SIGN_IN_TRIES_PER_USER_AND_ADDRESS,
        triesPerAddress: v.SIGN_IN_TRIES_PER_ADDRESS,
        triesBeforeSlowing: v.SIGN_IN_TRIES_BEFORE_SLOWING,
        triesPerUser: v.SIGN_IN_TRIES_PER_USER,
      },
      freshSignInSeconds: v.FRESH_SIGN_IN_SECONDS,
      passwordHashCost: v.PASSWORD_HASH_COST,
      configVerifySeconds: v.CONFIG_VERIFY_SECONDS,
      retention: {
        sessionRecordDays: v.SESSION_RECORD_RETENTION_DAYS,
        auditDays: v.AUDIT_RETENTION_DAYS,
        credentialDays: v.CREDENTIAL_RETENTION_DAYS,
        eventDays: v.EVENT_RETENTION_DAYS,
      },
      slackTiers: { tier2: v.SLACK_TIER2_PER_MINUTE, tier4: v.SLACK_TIER4_PER_MINUTE },
      lookerConfigChangesPerMinute: v.LOOKER_CONFIG_CHANGES_PER_MINUTE,
      strictSignatures: v.ACCESS_KEY_SIGNATURES === 'strict',
      jurisdiction: v.JURISDICTION || null,
      sessionTokenKeys: v.SESSION_TOKEN_KEYS,
      sealingKeys: v.SEALING_KEYS,
      operatorBootstrapSecret: v.OPERATOR_BOOTSTRAP_SECRET,
      operatorRecoverySecret: v.OPERATOR_RECOVERY_SECRET ?? null,
      applicationServer: {
        url: v.APPLICATION_SERVER_URL || null,
        secret: v.APPLICATION_SERVER_SECRET ?? null,
        isConfigured:
          v.APPLICATION_SERVER_SECRET !== undefined &&
          (v.APPLICATION_SERVER !== undefined || v.APPLICATION_SERVER_URL !== ''),
        timeoutMilliseconds: v.APPLICATION_SERVER_TIMEOUT_MILLISECONDS,
        maxCalls: v.APPLICATION_SERVER_MAX_CALLS,
      },
    },
  }
}

/** What is enforced for a user, which layer said so, and how newer rules are taken. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_SESSION_CONFIG,
  type GroupConfig,
  MAX_DURATION_SECONDS,
  MAX_SESSION_MINUTES,
  MIN_DURATION_SECONDS,
  MIN_SESSION_MINUTES,
  mergeNewer,
  NO_RULES,
  NO_SESSION_SETTINGS,
  type Policy,
  type RuleUpdates,
  resolvePolicy,
  type SessionConfig,
  type SessionSettings,
  type UserRules,
} from '../../src/domain/policy.ts'

const LIMITS = {
  inactivityTimeoutSeconds: 900,
  apiSessionSeconds: 3_600,
  apiSessionsPerClient: 100,
  operatorSessionSeconds: 28_800,
  operatorInactivityTimeoutSeconds: 1_800,
  maxConcurrentSessions: 1_000,
  maxOverallTimeoutSeconds: null,
  maxInactivityTimeoutSeconds: null,
}

function knowing(
  config: Partial<SessionConfig> | null,
  settings: Partial<SessionSettings> | null,
  group: GroupConfig | null = null,
): UserRules {
  return {
    ...NO_RULES,
    group: { version: group === null ? 0 : 1, value: group ?? {} },
    config: { version: config === null ? 0 : 1, value: { ...DEFAULT_SESSION_CONFIG, ...config } },
    settings: { version: settings === null ? 0 : 1, value: { ...NO_SESSION_SETTINGS, ...settings } },
  }
}

test('the limits are those of the vendors', () => {
  expect([MIN_SESSION_MINUTES, MAX_SESSION_MINUTES]).toEqual([5, 43_200])
  expect([MIN_DURATION_SECONDS, MAX_DURATION_SECONDS]).toEqual([28_800, 315_569_520])
})

describe('every rule has its value and the layer that decided it', () => {
  type Row = [rule: keyof Policy, Parameters<typeof knowing>[0], Parameters<typeof knowing>[1], unknown, string]
  const rows: Row[] = [
    ['overallTimeoutSeconds', null, null, 2_592_000, 'default'],
    ['overallTimeoutSeconds', { sessionMinutes: 5 }, null, 300, 'config'],
    ['overallTimeoutSeconds', { sessionMinutes: 5 }, { durationSeconds: 28_800 }, 28_800, 'settings'],
    ['overallTimeoutSeconds', null, { durationSeconds: 315_569_520 }, 315_569_520, 'settings'],
    ['overallTimeoutSeconds', { sessionMinutes: 43_200 }, { desktopAppBrowserQuit: true }, 2_592_000, 'config'],
    ['inactivityTimeoutSeconds', null, null, null, 'default'],
    ['inactivityTimeoutSeconds', { useInactivityBasedLogout: false }, null, null, 'config'],
    ['inactivityTimeoutSeconds', { useInactivityBasedLogout: true }, null, 900, 'config'],
    ['inactivityTimeoutSeconds', { useInactivityBasedLogout: true }, { durationSeconds: 28_800 }, 900, 'config'],
    ['concurrentSessionLimit', null, null, 1_000, 'ceiling'],
    ['concurrentSessionLimit', { concurrentSessionLimit: null }, null, 1_000, 'ceiling'],
    ['concurrentSessionLimit', { concurrentSessionLimit: 1_000 }, null, 1_000, 'config'],
    ['concurrentSessionLimit', { concurrentSessionLimit: 1_001 }, null, 1_000, 'ceiling'],
    ['concurrentSessionLimit', { concurrentSessionLimit: 1 }, null, 1, 'config'],
    ['persistentCookie', null, null, true, 'default'],
    ['persistentCookie', { allowPersistentSessions: true }, null, true, 'config'],
    ['persistentCookie', { allowPersistentSessions: false }, null, false, 'config'],
    ['persistentCookie', { allowPersistentSessions: true }, { desktopAppBrowserQuit: true }, false, 'settings'],
    ['persistentCookie', { allowPersistentSessions: true }, { desktopAppBrowserQuit: false }, true, 'config'],
    ['persistentCookie', { allowPersistentSessions: false }, { desktopAppBrowserQuit: false }, false, 'config'],
    ['overallTimeoutSeconds', { sessionMinutes: 5.5 }, null, 330, 'config'],
    ['inactivityTimeoutSeconds', { useInactivityBasedLogout: true, inactivityTimeoutSeconds: 60 }, null, 60, 'config'],
    ['inactivityTimeoutSeconds', { inactivityTimeoutSeconds: 60 }, null, null, 'config'],
    ['clientKindLimits', null, null, null, 'default'],
    ['clientKindLimits', { clientKindLimits: { web: 2, mobile: null } }, null, { web: 2, mobile: null }, 'config'],
    ['whenLimitReached', null, null, 'evict_oldest', 'default'],
    ['whenLimitReached', { whenLimitReached: 'refuse' }, null, 'refuse', 'config'],
    ['trackLocation', null, null, false, 'default'],
    ['trackLocation', { trackSessionLocation: true }, null, true, 'config'],
  ]

  test.each(rows)('%s of config %j and settings %j is %j, from %s', (rule, config, settings, value, from) => {
    expect(resolvePolicy(knowing(config, settings), LIMITS)[rule]).toMatchObject({ value, from })
  })

  const GROUP: GroupConfig = {
    overallTimeoutSeconds: 600,
    inactivityTimeoutSeconds: null,
    concurrentSessions: { limit: 2, whenReached: 'refuse', byClientKind: null },
  }

  test('a group stands between the config and the user, and says only what it says', () => {
    const config = { sessionMinutes: 5, useInactivityBasedLogout: true, concurrentSessionLimit: 1 }
    const policy = resolvePolicy(knowing(config, null, GROUP), LIMITS)
    expect(policy).toMatchObject({
      overallTimeoutSeconds: { value: 600, from: 'group', layers: { group: 600, config: 300, default: 2_592_000 } },
      inactivityTimeoutSeconds: { value: null, from: 'group', layers: { group: null, config: 900, default: null } },
      concurrentSessionLimit: { value: 2, from: 'group', layers: { group: 2, config: 1, ceiling: 1_000 } },
      whenLimitReached: { value: 'refuse', from: 'group' },
      persistentCookie: { value: true, from: 'config' },
    })
    const own = resolvePolicy(knowing(config, { durationSeconds: 28_800 }, GROUP), LIMITS)
    expect(own.overallTimeoutSeconds).toEqual({
      value: 28_800,
      from: 'settings',
      version: 1,
      layers: { settings: 28_800, group: 600, config: 300, default: 2_592_000 },
    })
    expect(resolvePolicy(knowing(config, null, {}), LIMITS)).toEqual(resolvePolicy(knowing(config, null), LIMITS))
  })

  test('no layer exceeds a ceiling', () => {
    const ceilings = {
      ...LIMITS,
      maxConcurrentSessions: 3,
      maxOverallTimeoutSeconds: 3_600,
      maxInactivityTimeoutSeconds: 120,
    }
    const policy = resolvePolicy(knowing(null, { durationSeconds: 28_800 }, GROUP), ceilings)
    expect(policy).toMatchObject({
      overallTimeoutSeconds: { value: 3_600, from: 'ceiling', layers: { settings: 28_800, ceiling: 3_600 } },
      inactivityTimeoutSeconds: { value: 120, from: 'ceiling', layers: { group: null, ceiling: 120 } },
      concurrentSessionLimit: { value: 2, from: 'group' },
    })
  })

  test('rules that an older version wrote lack what is newer, and that is as it was by default', () => {
    const { clientKindLimits, whenLimitReached, inactivityTimeoutSeconds, ...old } = DEFAULT_SESSION_CONFIG
    const rules = { ...knowing({}, null), config: { version: 1, value: old as SessionConfig } }
    expect(resolvePolicy(rules, LIMITS)).toEqual(resolvePolicy(knowing({}, null), LIMITS))
  })

  test('the table names every rule', () => {
    const rules = Object.entries(resolvePolicy(NO_RULES, LIMITS)).flatMap(([name, rule]) =>
      typeof rule === 'number' ? [] : [name],
    )
    expect(new Set<string>(rows.map(([rule]) => rule))).toEqual(new Set(rules))
  })
})

describe('learning', () => {
  // A version stands for one value: D1 gives each version once.
  const version = fc.nat(9)
  const config = version.map((v) => ({ version: v, value: { ...DEFAULT_SESSION_CONFIG, sessionMinutes: 5 + v } }))
  const group = version.map((v) => ({ version: v, value: { overallTimeoutSeconds: 300 + v } }))
  const settings = version.map((v) => ({ version: v, value: { ...NO_SESSION_SETTINGS, durationSeconds: 28_800 + v } }))
  const status = version.map((v) => ({ version: v, value: { active: v % 2 === 0, sessionsValidFrom: v } }))
  const anyUpdates: fc.Arbitrary<RuleUpdates> = fc.record({ config, group, settings, status }, { requiredKeys: [] })
  const inboxes = fc.array(anyUpdates, { maxLength: 8 })
  const shuffled = inboxes.chain((updates) =>
    fc.tuple(fc.constant(updates), fc.shuffledSubarray(updates, { minLength: updates.length })),
  )
  const RUNS = { numRuns: 3_000 }

  test('takes the newest of each part, in whatever order they come', () => {
    fc.assert(
      fc.property(shuffled, ([updates, otherwise]) => {
        const known = updates.reduce(mergeNewer, NO_RULES)
        expect(otherwise.reduce(mergeNewer, NO_RULES)).toEqual(known)
        for (const part of ['config', 'group', 'settings', 'status'] as const) {
          const versions = updates.map((one) => one[part]?.version ?? 0)
          expect(known[part].version).toBe(Math.max(0, ...versions))
        }
      }),
      RUNS,
    )
  })

  test('of the same updates again changes nothing', () => {
    fc.assert(
      fc.property(inboxes, anyUpdates, (updates, one) => {
        const known = [...updates, one].reduce(mergeNewer, NO_RULES)
        expect(mergeNewer(known, one)).toBe(known)
        expect(updates.reduce(mergeNewer, known)).toBe(known)
      }),
      RUNS,
    )
  })
})

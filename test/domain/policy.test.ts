/** What is enforced for a user, which layer said so, and how updates of the rules is taken. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_SESSION_CONFIG,
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
  webSessionsPerUser: 1_000,
}

function knowing(config: Partial<SessionConfig> | null, settings: Partial<SessionSettings> | null): UserRules {
  return {
    ...NO_RULES,
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
    ['concurrentSessionLimit', null, null, 1_000, 'service'],
    ['concurrentSessionLimit', { concurrentSessionLimit: null }, null, 1_000, 'service'],
    ['concurrentSessionLimit', { concurrentSessionLimit: 1_000 }, null, 1_000, 'config'],
    ['concurrentSessionLimit', { concurrentSessionLimit: 1_001 }, null, 1_000, 'service'],
    ['concurrentSessionLimit', { concurrentSessionLimit: 1 }, null, 1, 'config'],
    ['persistentCookie', null, null, true, 'default'],
    ['persistentCookie', { allowPersistentSessions: true }, null, true, 'config'],
    ['persistentCookie', { allowPersistentSessions: false }, null, false, 'config'],
    ['persistentCookie', { allowPersistentSessions: true }, { desktopAppBrowserQuit: true }, false, 'settings'],
    ['persistentCookie', { allowPersistentSessions: true }, { desktopAppBrowserQuit: false }, true, 'config'],
    ['persistentCookie', { allowPersistentSessions: false }, { desktopAppBrowserQuit: false }, false, 'config'],
    ['trackLocation', null, null, false, 'default'],
    ['trackLocation', { trackSessionLocation: true }, null, true, 'config'],
    ['apiSessionSeconds', { sessionMinutes: 5 }, { durationSeconds: 28_800 }, 3_600, 'service'],
    ['apiSessionsPerClient', { concurrentSessionLimit: 1 }, null, 100, 'service'],
  ]

  test.each(rows)('%s of config %j and settings %j is %j, from %s', (rule, config, settings, value, from) => {
    expect(resolvePolicy(knowing(config, settings), LIMITS)[rule]).toEqual({ value, from })
  })

  test('the table names every rule', () => {
    const rules = Object.keys(resolvePolicy(NO_RULES, LIMITS))
    expect(new Set(rows.map(([rule]) => rule))).toEqual(new Set(rules))
  })
})

describe('learning', () => {
  // A version stands for one value: D1 gives each version once.
  const version = fc.nat(9)
  const config = version.map((v) => ({ version: v, value: { ...DEFAULT_SESSION_CONFIG, sessionMinutes: 5 + v } }))
  const settings = version.map((v) => ({ version: v, value: { ...NO_SESSION_SETTINGS, durationSeconds: 28_800 + v } }))
  const status = version.map((v) => ({ version: v, value: { active: v % 2 === 0, sessionsValidFrom: v } }))
  const anyUpdates: fc.Arbitrary<RuleUpdates> = fc.record({ config, settings, status }, { requiredKeys: [] })
  const inboxes = fc.array(anyUpdates, { maxLength: 8 })
  const shuffled = inboxes.chain((updates) =>
    fc.tuple(fc.constant(updates), fc.shuffledSubarray(updates, { minLength: updates.length })),
  )
  const RUNS = { numRuns: 3_000 }

  test('takes the newest of each part, in whatever order the updates comes', () => {
    fc.assert(
      fc.property(shuffled, ([updates, otherwise]) => {
        const known = updates.reduce(mergeNewer, NO_RULES)
        expect(otherwise.reduce(mergeNewer, NO_RULES)).toEqual(known)
        for (const part of ['config', 'settings', 'status'] as const) {
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

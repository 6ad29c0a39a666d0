/** What is enforced for a user, which layer said so, and how news of the rules is taken. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_SESSION_CONFIG,
  type Knowledge,
  learn,
  MAX_DURATION_SECONDS,
  MAX_SESSION_MINUTES,
  MIN_DURATION_SECONDS,
  MIN_SESSION_MINUTES,
  type News,
  NO_KNOWLEDGE,
  NO_SESSION_SETTINGS,
  type Policy,
  resolvePolicy,
  type SessionConfig,
  type SessionSettings,
} from '../../src/domain/policy.ts'

const LIMITS = {
  inactivityTimeoutSeconds: 900,
  apiSessionSeconds: 3_600,
  apiSessionsPerClient: 100,
  webSessionsPerUser: 1_000,
}

function knowing(config: Partial<SessionConfig> | null, settings: Partial<SessionSettings> | null): Knowledge {
  return {
    ...NO_KNOWLEDGE,
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
    const rules = Object.keys(resolvePolicy(NO_KNOWLEDGE, LIMITS))
    expect(new Set(rows.map(([rule]) => rule))).toEqual(new Set(rules))
  })
})

describe('learning', () => {
  // A version stands for one value: D1 gives each version once.
  const version = fc.nat(9)
  const config = version.map((v) => ({ version: v, value: { ...DEFAULT_SESSION_CONFIG, sessionMinutes: 5 + v } }))
  const settings = version.map((v) => ({ version: v, value: { ...NO_SESSION_SETTINGS, durationSeconds: 28_800 + v } }))
  const status = version.map((v) => ({ version: v, value: { active: v % 2 === 0, sessionsValidFrom: v } }))
  const anyNews: fc.Arbitrary<News> = fc.record({ config, settings, status }, { requiredKeys: [] })
  const inboxes = fc.array(anyNews, { maxLength: 8 })
  const shuffled = inboxes.chain((news) =>
    fc.tuple(fc.constant(news), fc.shuffledSubarray(news, { minLength: news.length })),
  )
  const RUNS = { numRuns: 3_000 }

  test('takes the newest of each part, in whatever order the news comes', () => {
    fc.assert(
      fc.property(shuffled, ([news, otherwise]) => {
        const known = news.reduce(learn, NO_KNOWLEDGE)
        expect(otherwise.reduce(learn, NO_KNOWLEDGE)).toEqual(known)
        for (const part of ['config', 'settings', 'status'] as const) {
          const versions = news.map((one) => one[part]?.version ?? 0)
          expect(known[part].version).toBe(Math.max(0, ...versions))
        }
      }),
      RUNS,
    )
  })

  test('of the same news again changes nothing', () => {
    fc.assert(
      fc.property(inboxes, anyNews, (news, one) => {
        const known = [...news, one].reduce(learn, NO_KNOWLEDGE)
        expect(learn(known, one)).toBe(known)
        expect(news.reduce(learn, known)).toBe(known)
      }),
      RUNS,
    )
  })
})

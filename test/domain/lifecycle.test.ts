/** The life of a user's sessions, by examples. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expiresAt, idlesOutAt } from '../../src/domain/deadlines.ts'
import { type Command, decide, endingOf, evolve, nextDeadline, type UserState } from '../../src/domain/lifecycle.ts'
import type { Session } from '../../src/domain/session.ts'
import { ACTIVE, anyPolicy, policyOf, type Rules, START, sessionOf } from './arbitraries.ts'

const RULES: Rules = {
  overallSeconds: 3_600,
  idleSeconds: 900,
  limit: null,
  whenReached: 'evict_oldest',
  byKind: null,
  apiSeconds: 600,
  apiCap: 2,
}
/** Above the limit of all sessions. */
const limit = (value: number) => ({ rule: 'concurrent_sessions', value, from: 'default', version: null }) as const
const later = (seconds: number) => START + seconds * 1000

function stateOf(given: Partial<UserState>): UserState {
  return { status: ACTIVE, policy: policyOf(RULES), sessions: [], ...given }
}

function eventsOf(state: UserState, command: Command, now: number) {
  const decided = decide(state, command, now)
  if (!decided.ok) throw new Error(decided.error.code)
  return decided.value
}

describe('time-outs', () => {
  const session = sessionOf({ id: 'a' })
  const idle = stateOf({ sessions: [session] })
  const busy = stateOf({ sessions: [{ ...session, lastSeenAt: later(3_000) }] })
  const api = stateOf({ sessions: [sessionOf({ id: 'a', kind: 'api', apiClientId: 'c' })] })
  const operator = sessionOf({ id: 'a', kind: 'operator' })
  const idleOperator = stateOf({ sessions: [operator] })
  const busyOperator = stateOf({ sessions: [{ ...operator, lastSeenAt: later(28_000) }] })

  test.each([
    ['idle out', idle, 900, 'idle', { rule: 'inactivity_timeout', value: 900, from: 'default' }],
    ['expire', busy, 3_600, 'expired', { rule: 'overall_timeout', value: 3_600, from: 'default' }],
    [
      'of kind api expire, and do not idle out,',
      api,
      600,
      'expired',
      { rule: 'overall_timeout', value: 600, from: 'service' },
    ],
    [
      'of operators idle out',
      idleOperator,
      1_800,
      'idle',
      { rule: 'inactivity_timeout', value: 1_800, from: 'service' },
    ],
    [
      'of operators expire',
      busyOperator,
      28_800,
      'expired',
      { rule: 'overall_timeout', value: 28_800, from: 'service' },
    ],
  ] as const)('sessions %s at the very instant', (_name, state, seconds, reason, decision) => {
    const [one] = state.sessions
    if (one === undefined) throw new Error('no session')
    const ending = { reason, endedAt: later(seconds) }
    expect(endingOf(one, state, later(seconds - 1))).toBeNull()
    expect(endingOf(one, state, later(seconds) - 1)).toBeNull()
    expect(endingOf(one, state, later(seconds))).toEqual(ending)
    expect(endingOf(one, state, later(seconds + 1))).toEqual(ending)
    expect(eventsOf(state, { type: 'tick' }, later(seconds - 1))).toEqual([])
    expect(eventsOf(state, { type: 'tick' }, later(seconds + 1))).toEqual([
      { type: 'ended', id: 'a', ...ending, decision: { version: null, ...decision } },
    ])
  })

  test('the boundary holds for every policy there is', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        fc.nat(86_400),
        fc.constantFrom('web', 'api', 'operator'),
        (policy, seenAfterSeconds, kind) => {
          const one = { ...session, kind, lastSeenAt: later(seenAfterSeconds) }
          const overall = {
            web: policy.overallTimeoutSeconds.value,
            api: policy.apiSessionSeconds,
            operator: policy.operatorSessionSeconds,
          }[kind]
          const inactive = {
            web: policy.inactivityTimeoutSeconds.value,
            api: null,
            operator: policy.operatorInactivityTimeoutSeconds,
          }[kind]
          expect(expiresAt(one, policy)).toBe(later(overall))
          expect(idlesOutAt(one, policy)).toBe(inactive === null ? null : later(seenAfterSeconds + inactive))
          const due = later(Math.min(overall, inactive === null ? overall : seenAfterSeconds + inactive))
          const rules = { status: ACTIVE, policy }
          const alive = [-1_000, -1, 0, 1_000].map((offset) => endingOf(one, rules, due + offset) === null)
          expect(alive).toEqual([true, true, false, false])
          expect(nextDeadline([one], policy)).toBe(due)
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test('where both fall on the same instant, the session has expired', () => {
    const policy = policyOf({ ...RULES, idleSeconds: 3_600 })
    expect(endingOf(session, { status: ACTIVE, policy }, later(3_600))?.reason).toBe('expired')
  })
})

describe('opening', () => {
  const three = ['a', 'b', 'c'].map((id, place) => sessionOf({ id, openedAt: later(place) }))
  const fresh = sessionOf({ id: 'd', openedAt: later(10) })

  test('evicts the oldest session when the limit is reached', () => {
    const state = stateOf({ policy: policyOf({ ...RULES, limit: 3 }), sessions: three })
    expect(eventsOf(state, { type: 'open', session: fresh, replaces: null }, later(10))).toEqual([
      { type: 'opened', session: fresh },
      { type: 'ended', id: 'a', reason: 'evicted', endedAt: later(10), decision: limit(3) },
    ])
  })

  test('evicts whom nobody has seen for longest, where the policy says so', () => {
    const [a, b, c] = three as [Session, Session, Session]
    const policy = policyOf({ ...RULES, limit: 3, whenReached: 'evict_least_recently_seen' })
    const state = stateOf({ policy, sessions: [{ ...a, lastSeenAt: later(9) }, b, { ...c, lastSeenAt: later(8) }] })
    expect(eventsOf(state, { type: 'open', session: fresh, replaces: null }, later(10))).toEqual([
      { type: 'opened', session: fresh },
      { type: 'ended', id: 'b', reason: 'evicted', endedAt: later(10), decision: limit(3) },
    ])
  })

  test('is refused, and changes nothing, where nobody goes unasked', () => {
    const state = stateOf({ policy: policyOf({ ...RULES, limit: 3, whenReached: 'refuse' }), sessions: three })
    const open = { type: 'open', session: fresh, replaces: null } as const
    expect(decide(state, open, later(10))).toEqual({
      ok: false,
      error: { code: 'session_limit_reached' },
    })
    expect(eventsOf(state, { ...open, endSessions: ['b', 'unknown'] }, later(10))).toEqual([
      { type: 'ended', id: 'b', reason: 'evicted', endedAt: later(10) },
      { type: 'opened', session: fresh },
    ])
    expect(eventsOf(state, { ...open, replaces: 'c' }, later(10))).toHaveLength(2)
    const apiSession = sessionOf({ id: 'e', kind: 'api', apiClientId: 'one' })
    expect(eventsOf(state, { ...open, session: apiSession }, later(10))).toHaveLength(1)
  })

  test('counts each kind of client for itself where each has a limit', () => {
    const phone = { address: null, userAgent: 'Mobile' }
    const policy = policyOf({ ...RULES, byKind: { web: null, mobile: 1 } })
    const state = stateOf({ policy, sessions: [...three, sessionOf({ id: 'm', client: phone })] })
    const ended = (session: Session) =>
      eventsOf(state, { type: 'open', session, replaces: null }, later(10)).flatMap((event) =>
        event.type === 'ended' ? [event.id] : [],
      )
    expect([ended(fresh), ended({ ...fresh, client: phone })]).toEqual([[], ['m']])
  })

  test('lets the same client take the place of its own session instead', () => {
    const state = stateOf({ policy: policyOf({ ...RULES, limit: 3 }), sessions: three })
    expect(eventsOf(state, { type: 'open', session: fresh, replaces: 'b' }, later(10))).toEqual([
      { type: 'ended', id: 'b', reason: 'replaced', endedAt: later(10) },
      { type: 'opened', session: fresh },
    ])
  })

  test('counts each API client for itself, and no web session', () => {
    const api = (id: string, apiClientId: string) => sessionOf({ id, kind: 'api', apiClientId })
    const state = stateOf({ sessions: [...three, api('p', 'one'), api('q', 'two'), api('r', 'one')] })
    const events = eventsOf(state, { type: 'open', session: api('s', 'one'), replaces: null }, later(10))
    expect(events.flatMap((event) => (event.type === 'ended' ? [event.id] : []))).toEqual(['p'])
  })

  test('is refused to a disabled user', () => {
    const state = stateOf({ status: { version: 1, value: { active: false, sessionsValidFrom: 0 } } })
    expect(decide(state, { type: 'open', session: fresh, replaces: null }, later(10))).toEqual({
      ok: false,
      error: { code: 'user_disabled' },
    })
  })
})

test.each([
  ['password', 'invalid_credentials'],
  ['login_token', 'invalid_credentials'],
  ['openid', 'invalid_credentials'],
  ['trusted_back_end', 'conflict'],
  ['api_client', 'conflict'],
  ['sudo', 'conflict'],
] as const)('an opening by %s that was verified under an older epoch is refused: %s', (credentialsType, code) => {
  const state = stateOf({ status: { ...ACTIVE, version: 3 } })
  for (const [epoch, opens] of [
    [1, false],
    [2, false],
    [3, true],
  ] as const) {
    const session = sessionOf({ id: 'a', credentialsType, epoch })
    const decided = decide(state, { type: 'open', session, replaces: null }, START)
    expect(decided.ok || decided.error.code).toBe(opens || code)
  }
})

describe('checking', () => {
  const session = sessionOf({ id: 'a' })
  const state = stateOf({ sessions: [session] })
  const { client } = session
  const elsewhere = { address: '198.51.100.7', userAgent: 'A' }

  test('counts as activity where it touches, and only there', () => {
    const check = { type: 'check', id: 'a', client } as const
    expect(eventsOf(state, { ...check, touch: true }, later(60))).toEqual([{ type: 'touched', id: 'a', at: later(60) }])
    expect(eventsOf(state, { ...check, touch: false }, later(60))).toEqual([])
  })

  test('notes a client that has moved, once', () => {
    const check = { type: 'check', id: 'a', touch: true, client: elsewhere } as const
    const events = eventsOf(state, check, later(60))
    expect(events.at(-1)).toEqual({ type: 'moved', id: 'a', at: later(60), client: elsewhere })
    const moved = stateOf({ sessions: events.reduce(evolve, state.sessions) })
    expect(eventsOf(moved, check, later(61)).map(({ type }) => type)).toEqual(['touched'])
  })

  test('never moves the last activity back', () => {
    const ahead = stateOf({ sessions: [{ ...session, lastSeenAt: later(60) }] })
    const events = eventsOf(ahead, { type: 'check', id: 'a', touch: true, client: null }, later(30))
    expect(events).toEqual([{ type: 'touched', id: 'a', at: later(60) }])
  })

  test('finds a session that has just died, and no other', () => {
    const check = { type: 'check', touch: true, client: null } as const
    const [ended] = eventsOf(state, { ...check, id: 'a' }, later(900))
    expect(ended).toMatchObject({ type: 'ended', id: 'a', reason: 'idle', endedAt: later(900) })
    expect(decide(state, { ...check, id: 'b' }, later(1))).toEqual({ ok: false, error: { code: 'session_not_found' } })
  })
})

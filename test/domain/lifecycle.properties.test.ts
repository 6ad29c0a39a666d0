/** The life of a user's sessions against a model on paper, whatever happens in whatever order. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deadline } from '../../src/domain/deadlines.ts'
import {
  decide,
  endingOf,
  evolve,
  nextDeadline,
  type SessionEvent,
  type UserState,
} from '../../src/domain/lifecycle.ts'
import type { Session } from '../../src/domain/session.ts'
import { ACTIVE, anyRules, anyStory, commandOf, policyOf, type Rules, START, type TimedStep } from './arbitraries.ts'
import { ReferenceModel } from './reference-model.ts'

const RUNS = { numRuns: 2_000 }

/** A moment of a story: what stood before a step, what the step did, and what stood after it. */
interface Moment {
  readonly timed: TimedStep
  readonly now: number
  readonly before: UserState
  readonly after: UserState
  /** Null: the step was refused. */
  readonly events: readonly SessionEvent[] | null
  readonly model: ReferenceModel
}

/** Tells a story to the domain and to the model, and shows every moment of it. */
function tell(rules: Rules, story: readonly TimedStep[], look: (moment: Moment) => void): SessionEvent[] {
  const model = new ReferenceModel(rules)
  const log: SessionEvent[] = []
  const ids: string[] = []
  let state: UserState = { status: ACTIVE, policy: policyOf(rules), sessions: [] }
  let now = START
  for (const timed of story) {
    now += timed.after
    const { step } = timed
    if (step.do === 'rules') state = { ...state, policy: policyOf(step.rules) }
    if (step.do === 'status') {
      const version = state.status.version + (step.newPassword || !step.active ? 1 : 0)
      state = { ...state, status: { version, value: { active: step.active, sessionsValidFrom: 0 } } }
    }
    const before = frozen(state)
    const decided = decide(before, commandOf(step, ids, now, state.status.version), now)
    expect(decided.ok).toBe(model.take(step, now))
    if (decided.ok) {
      log.push(...decided.value)
      if (step.do === 'open') ids.push(`s${ids.length}`)
      state = { ...state, sessions: decided.value.reduce(evolve, state.sessions) }
    }
    look({ timed, now, before, after: state, events: decided.ok ? decided.value : null, model })
  }
  return log
}

function property(look: (moment: Moment) => void): void {
  fc.assert(
    fc.property(anyRules, anyStory, (rules, story) => {
      tell(rules, story, look)
    }),
    RUNS,
  )
}

/** A state that cannot be changed in place. */
function frozen(state: UserState): UserState {
  for (const session of state.sessions) Object.freeze(session)
  Object.freeze(state.sessions)
  return Object.freeze(state)
}

const living = ({ sessions, ...rules }: UserState, now: number) =>
  sessions.filter((session) => endingOf(session, rules, now) === null)
const endedIn = (events: readonly SessionEvent[] | null) => (events ?? []).filter((event) => event.type === 'ended')
const makesRoom = ({ timed: { step } }: Moment) => ['open', 'tick', 'rules', 'status'].includes(step.do)

describe('whatever happens', () => {
  test('the sessions that live are those of the model, seen and moved as there', () => {
    property(({ after, now, model }) => {
      const ours = living(after, now).map(({ id, lastSeenAt, recentClient, client }) => {
        const speaker = recentClient ?? client
        return { name: id, seen: lastSeenAt, speaker: `${speaker.address}/${speaker.userAgent}` }
      })
      const alive = new Set(model.living(now))
      const theirs = model.lines.filter(({ name }) => alive.has(name))
      expect(ours).toEqual(theirs.map(({ name, seen, speaker }) => ({ name, seen, speaker })))
    })
  })

  test('each session ends for the reason that the model has', () => {
    property(({ events, model }) => {
      for (const { id, reason } of endedIn(events)) {
        expect(reason).toBe(model.lines.find(({ name }) => name === id)?.over)
      }
    })
  })

  test('no more than the limit are live, also after it was lowered', () => {
    property((moment) => {
      if (moment.events === null || !makesRoom(moment)) return
      const { sessions } = moment.after
      const { limit, byKind, apiCap } = moment.model.rules
      const web = sessions.filter(({ kind }) => kind === 'web')
      expect(web.length).toBeLessThanOrEqual(limit ?? Number.POSITIVE_INFINITY)
      const mobile = web.filter(({ client }) => client.userAgent === 'Mobile').length
      expect(mobile).toBeLessThanOrEqual(byKind?.mobile ?? Number.POSITIVE_INFINITY)
      expect(web.length - mobile).toBeLessThanOrEqual(byKind?.web ?? Number.POSITIVE_INFINITY)
      for (const client of ['c1', 'c2']) {
        expect(sessions.filter(({ apiClientId }) => apiClientId === client).length).toBeLessThanOrEqual(apiCap)
      }
    })
  })

  test('the limit evicts no more than it must', () => {
    property(({ timed: { step }, events, before, after, model }) => {
      const { rules } = model
      const group = ({ kind, apiClientId }: Session) => `${kind} ${apiClientId}`
      const isMobile = ({ client }: Session) => client.userAgent === 'Mobile'
      const known = new Map([...before.sessions, ...after.sessions].map((session) => [session.id, session]))
      if (step.do === 'open' && step.endSessions.length > 0) return
      for (const { id, reason } of endedIn(events)) {
        const victim = known.get(id)
        if (reason !== 'evicted' || victim === undefined) continue
        const survivors = after.sessions.filter((session) => group(session) === group(victim))
        const ofKind = survivors.filter((session) => isMobile(session) === isMobile(victim))
        const full =
          victim.kind === 'web'
            ? survivors.length === rules.limit || ofKind.length === rules.byKind?.[isMobile(victim) ? 'mobile' : 'web']
            : survivors.length === rules.apiCap
        expect(full).toBe(true)
      }
    })
  })

  test('nothing outlives a time-out, and what passed one is recorded as ended at that instant', () => {
    property(({ events, before, after, now }) => {
      if (events !== null) {
        for (const session of after.sessions) expect(deadline(session, after.policy).endedAt).toBeGreaterThan(now)
      }
      for (const { id, reason, endedAt } of endedIn(events)) {
        const session = before.sessions.find((one) => one.id === id)
        if (session !== undefined && (reason === 'expired' || reason === 'idle')) {
          expect({ reason, endedAt }).toEqual(deadline(session, before.policy))
          expect(endedAt).toBeLessThanOrEqual(now)
        }
      }
    })
  })

  test('a session that has ended is heard of no more', () => {
    fc.assert(
      fc.property(anyRules, anyStory, (rules, story) => {
        const ended = new Set<string>()
        const opened = new Set<string>()
        for (const event of tell(rules, [...story, ...story], () => {})) {
          const id = event.type === 'opened' ? event.session.id : event.id
          expect(ended.has(id)).toBe(false)
          if (event.type === 'opened') expect(opened.has(id)).toBe(false)
          if (event.type === 'opened') opened.add(id)
          if (event.type === 'ended') ended.add(id)
        }
      }),
      RUNS,
    )
  })

  test('doing it again at once ends nothing more', () => {
    property(({ timed: { step }, after, now }) => {
      if (step.do === 'open') return
      const ids = Array.from({ length: 8 }, (_, place) => `s${place}`)
      const again = decide(after, commandOf(step, ids, now), now)
      if (step.do !== 'check') expect(again).toEqual({ ok: true, value: [] })
      else if (again.ok) expect(endedIn(again.value)).toEqual([])
    })
  })

  test('after a tick the next deadline is to come, and is the earliest', () => {
    property(({ timed: { step }, after, now }) => {
      if (step.do !== 'tick') return
      const next = nextDeadline(after.sessions, after.policy)
      const all = after.sessions.map((session) => deadline(session, after.policy).endedAt)
      expect(next).toBe(all.length === 0 ? null : Math.min(...all))
      if (next !== null) expect(next).toBeGreaterThan(now)
    })
  })

  test('replaying the events rebuilds the state', () => {
    fc.assert(
      fc.property(anyRules, anyStory, (rules, story) => {
        let last: UserState | undefined
        const log = tell(rules, story, ({ after }) => {
          last = after
        })
        expect(log.reduce(evolve, [])).toEqual(last?.sessions ?? [])
      }),
      RUNS,
    )
  })

  test('a disabled user has no sessions and gets none', () => {
    property(({ timed: { step }, events, after, now }) => {
      if (after.status.value.active) return
      expect(living(after, now)).toEqual([])
      if (step.do === 'open') expect(events).toBeNull()
    })
  })

  test('a session lives under the epoch in which its user was verified, and is not opened under another', () => {
    property(({ timed: { step }, events, after, now }) => {
      for (const session of living(after, now)) expect(session.epoch).toBe(after.status.version)
      if (step.do === 'open' && step.epochsAgo > 0) expect(events).toBeNull()
      for (const { reason, id } of endedIn(events)) {
        if (reason === 'password_changed') expect(after.sessions.map((session) => session.id)).not.toContain(id)
      }
    })
  })
})

/** What a change of policy would end: the lifecycle itself, asked beforehand. Pure. */
import { decide, type UserState } from './lifecycle.ts'
import type { Policy } from './policy.ts'
import type { EndReason, Session } from './session.ts'

/** The rules by which a change of policy can end sessions, and the reasons that their ends have. */
export const RULES_THAT_END = {
  overall_timeout: 'expired',
  inactivity_timeout: 'idle',
  concurrent_sessions: 'evicted',
} as const satisfies Readonly<Record<string, EndReason>>
export type RuleThatEnds = keyof typeof RULES_THAT_END

/** A session that would end, and by which rule. */
export interface PreviewedEnd {
  readonly session: Session
  readonly rule: RuleThatEnds
}

/**
 * The sessions of one user that live under the policy of now and would end under the next one, oldest first.
 * `lastSeenAt` must not be later than it really is: then those that idle out are an upper bound.
 */
export function previewEnds(state: UserState, next: Policy, now: number): readonly PreviewedEnd[] {
  const dead = endedBy(state, now)
  const living = { ...state, policy: next, sessions: state.sessions.filter(({ id }) => !dead.has(id)) }
  const ends = endedBy(living, now)
  return living.sessions.flatMap((session) => {
    const rule = RULES.find((one) => RULES_THAT_END[one] === ends.get(session.id))
    return rule === undefined ? [] : [{ session, rule }]
  })
}

const RULES = Object.keys(RULES_THAT_END) as RuleThatEnds[]

/** Which sessions a look at the state ends, and why. */
function endedBy(state: UserState, now: number): ReadonlyMap<string, EndReason> {
  const decided = decide(state, { type: 'tick' }, now)
  const ends = decided.ok ? decided.value.filter((event) => event.type === 'ended') : []
  return new Map(ends.map(({ id, reason }) => [id, reason]))
}

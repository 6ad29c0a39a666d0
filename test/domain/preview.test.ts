/** What a preview says is what happens. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide, evolve, type UserState } from '../../src/domain/lifecycle.ts'
import { previewEnds, RULES_THAT_END } from '../../src/domain/preview.ts'
import { ACTIVE, anyRules, anyStory, commandOf, policyOf, START } from './arbitraries.ts'

test('names just the sessions that the change ends, each by the rule that ends it', () => {
  fc.assert(
    fc.property(anyRules, anyStory, anyRules, (rules, story, next) => {
      const ids: string[] = []
      let state: UserState = { status: ACTIVE, policy: policyOf(rules), sessions: [] }
      let now = START
      for (const { after, step } of story) {
        if (step.do === 'rules' || step.do === 'status') continue
        now += Math.max(0, after)
        const decided = decide(state, commandOf(step, ids, now), now)
        if (!decided.ok) continue
        if (step.do === 'open') ids.push(`s${ids.length}`)
        state = { ...state, sessions: decided.value.reduce(evolve, state.sessions) }
      }
      const previewed = previewEnds(state, policyOf(next), now)
      const ticked = decide(state, { type: 'tick' }, now)
      const living = (ticked.ok ? ticked.value : []).reduce(evolve, state.sessions)
      const changed = decide({ ...state, policy: policyOf(next), sessions: living }, { type: 'tick' }, now)
      const ended = (changed.ok ? changed.value : []).flatMap((event) =>
        event.type === 'ended' ? [[event.id, event.reason]] : [],
      )
      expect(new Map(previewed.map(({ session, rule }) => [session.id, RULES_THAT_END[rule] as string]))).toEqual(
        new Map(ended as [string, string][]),
      )
    }),
    { numRuns: 2_000 },
  )
})

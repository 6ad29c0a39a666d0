/** Two copies of a profile, each changed by its own people: what they become when they meet. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  changedProfile,
  mergeProfile,
  type Profile,
  type ProfileBase,
  profileDifference,
} from '../../src/domain/profile.ts'

const FIELDS = ['firstName', 'lastName', 'emailAddress'] as const
const value = fc.option(fc.stringMatching(/^[a-c]{1,2}$/))
const profile: fc.Arbitrary<Profile> = fc.record({ firstName: value, lastName: value, emailAddress: value })
const changes = fc.record({ firstName: value, lastName: value, emailAddress: value }, { requiredKeys: [] })
const act = fc.record({ by: fc.constantFrom('here', 'there', 'both'), changes })

test('whatever was changed here and there between two meetings, each meeting keeps it field by field', () => {
  fc.assert(
    fc.property(profile, profile, fc.array(act, { maxLength: 12 }), (here, there, acts) => {
      let [ours, theirs] = [here, { ...there, version: 1 }]
      let base: ProfileBase | null = null
      // Who changed which field to something else since the two met.
      const changed = { here: new Set<string>(), there: new Set<string>() }
      for (const { by, changes } of acts) {
        if (by === 'there') {
          for (const name of FIELDS) if (name in changes && changes[name] !== theirs[name]) changed.there.add(name)
          theirs = { ...changedProfile(theirs, changes), version: theirs.version + 1 }
        } else if (by === 'here') {
          base ??= { ...ours, version: null }
          ours = changedProfile(ours, changes)
          for (const name of FIELDS) if (ours[name] !== base[name]) changed.here.add(name)
          for (const name of FIELDS) if (ours[name] === base[name]) changed.here.delete(name)
        } else {
          const met = base?.version !== undefined && base.version !== null
          const merged = mergeProfile(base, ours, theirs)
          for (const name of FIELDS) {
            const backThere = met && base !== null && theirs[name] === base[name]
            const stays = changed.here.has(name) && (!met || !changed.there.has(name) || backThere)
            expect([name, merged[name]]).toEqual([name, stays ? ours[name] : theirs[name]])
          }
          const wanted = changedProfile(merged, changes)
          const update = profileDifference(theirs, wanted)
          theirs = { ...wanted, version: theirs.version + (update === null ? 0 : 1) }
          ours = wanted
          base = theirs
          changed.here.clear()
          changed.there.clear()
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('what both changed is as it is there; a version that has not moved says that nothing was changed there', () => {
  const agreed = { firstName: 'a', lastName: 'b', emailAddress: null, version: 7 }
  const ours = { firstName: 'here', lastName: 'here', emailAddress: null }
  const theirs = { firstName: 'there', lastName: 'b', emailAddress: 'there', version: 8 }
  expect(mergeProfile(agreed, ours, theirs)).toEqual({ firstName: 'there', lastName: 'here', emailAddress: 'there' })
  expect(mergeProfile(agreed, ours, { ...theirs, version: 7 }).firstName).toBe('here')
  expect(mergeProfile(null, ours, theirs)).toEqual({ firstName: 'there', lastName: 'b', emailAddress: 'there' })
})

test('a change that names nothing changes nothing; the difference between two profiles leads from one to the other', () => {
  fc.assert(
    fc.property(profile, profile, (from, to) => {
      expect(changedProfile(from, { firstName: undefined })).toEqual(from)
      expect(changedProfile(from, profileDifference(from, to) ?? {})).toEqual(to)
      expect(profileDifference(from, to) === null).toBe(JSON.stringify(from) === JSON.stringify(to))
    }),
  )
})

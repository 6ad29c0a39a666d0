/** What an isolate forgets when sessions may have ended. */
import { expect, test } from 'vitest'
import { CheckMemory } from '../../src/sessions/check-memory.ts'
import type { CheckedSession } from '../../src/sessions/object/user-sessions.ts'

const whose = { identityStoreId: 'store', userId: 'user' }
const checked = { ...whose, session: { lastSeenAt: 0 }, expiresAt: 1_000, idlesOutAt: null } as CheckedSession

test('nothing that was learned before the change, during the work or by a check under way is there after the work', async () => {
  const memory = new CheckMemory()
  const known = () => memory.get('session', 'token', 60, 0) !== null
  const learn = (endsSeen = memory.endsSeen) => memory.put('session', 'token', checked, { now: 0, endsSeen })
  for (const outcome of ['done', 'failed']) {
    learn()
    const asked = memory.endsSeen
    const work = memory.forgettingAll(whose, async (forget) => {
      forget()
      expect(known()).toBe(false)
      learn()
      expect(known()).toBe(true)
      if (outcome === 'failed') throw new Error('not told')
    })
    await work.catch(() => undefined)
    expect(known()).toBe(false)
    learn(asked)
    expect(known()).toBe(false)
  }
})

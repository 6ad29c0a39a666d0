import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import table from '../../docs/authority.md?raw'
import { administers, mayDo, type Party, ROLES, type Role, type UserAction } from '../../src/domain/authority.ts'

const ACTIONS: readonly UserAction[] = [
  'see_sessions',
  'end_sessions',
  'change_session_settings',
  'end_lockouts',
  'sudo',
  'generate_login_token',
]
const party = (role: Role, userId = `${role}-a`, bot = false): Party => ({
  identityStoreId: 'store',
  userId,
  role,
  bot,
})

/** Whom a role may do it to, as the documentation says it. */
function documented(action: UserAction, role: Role): string {
  const row = table.split('\n').find((line) => line.startsWith(`| \`${action}\` `))
  const cells = row?.split('|').map((cell) => cell.trim()) ?? []
  return cells[2 + ROLES.indexOf(role)] ?? 'no such row'
}

describe('who may do what to whom', () => {
  test.each(ACTIONS.flatMap((action) => ROLES.map((role) => [action, role] as const)))(
    '%s by %s is as documented',
    (action, role) => {
      const others = ROLES.filter((other) => mayDo(party(role), action, party(other, `${other}-b`)))
      const self = mayDo(party(role), action, party(role)) ? ['oneself'] : []
      expect([...self, ...others].join(', ') || 'nobody').toBe(documented(action, role))
    },
  )

  const parties = fc.record({
    identityStoreId: fc.constantFrom('one', 'two'),
    userId: fc.constantFrom('a', 'b'),
    role: fc.constantFrom(...ROLES),
    bot: fc.boolean(),
  })
  const actions = fc.constantFrom(...ACTIONS)
  const rank = ({ role }: Party) => ROLES.indexOf(role)

  test('nothing is done across stores, and but for seeing nothing to somebody above', () => {
    fc.assert(
      fc.property(parties, actions, parties, (actor, action, target) => {
        if (!mayDo(actor, action, target)) return
        expect(actor.identityStoreId).toBe(target.identityStoreId)
        if (action !== 'see_sessions' && actor.userId !== target.userId) {
          expect(rank(actor)).toBeLessThanOrEqual(rank(target))
          expect(administers(actor.role)).toBe(true)
        }
      }),
    )
  })

  test('who acts as another is above, and the other is no bot', () => {
    fc.assert(
      fc.property(
        parties,
        fc.constantFrom<UserAction[]>('sudo', 'generate_login_token'),
        parties,
        (actor, action, target) => {
          if (!mayDo(actor, action, target)) return
          expect(target.bot).toBe(false)
          expect(rank(actor) < rank(target) || (action !== 'sudo' && actor.userId === target.userId)).toBe(true)
        },
      ),
    )
  })

  test('a higher role may do to others whatever a lower one may', () => {
    fc.assert(
      fc.property(parties, actions, parties, fc.constantFrom(...ROLES), (actor, action, target, role) => {
        fc.pre(actor.userId !== target.userId && ROLES.indexOf(role) < rank(actor))
        if (mayDo(actor, action, target)) expect(mayDo({ ...actor, role }, action, target)).toBe(true)
      }),
    )
  })

  test("everybody's sessions can be ended by somebody, a bot's too", () => {
    for (const role of ROLES) {
      for (const bot of [false, true]) {
        const target = party(role, 'target', bot)
        expect(ROLES.some((actor) => mayDo(party(actor, 'other'), 'end_sessions', target))).toBe(true)
      }
    }
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import table from '../../docs/authority.md?raw'
import { administers, type Deed, mayDo, type Party, ROLES, type Role } from '../../src/domain/authority.ts'

const DEEDS: readonly Deed[] = [
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
function documented(deed: Deed, role: Role): string {
  const row = table.split('\n').find((line) => line.startsWith(`| \`${deed}\` `))
  const cells = row?.split('|').map((cell) => cell.trim()) ?? []
  return cells[2 + ROLES.indexOf(role)] ?? 'no such row'
}

describe('who may do what to whom', () => {
  test.each(DEEDS.flatMap((deed) => ROLES.map((role) => [deed, role] as const)))(
    '%s by %s is as documented',
    (deed, role) => {
      const others = ROLES.filter((other) => mayDo(party(role), deed, party(other, `${other}-b`)))
      const self = mayDo(party(role), deed, party(role)) ? ['oneself'] : []
      expect([...self, ...others].join(', ') || 'nobody').toBe(documented(deed, role))
    },
  )

  const parties = fc.record({
    identityStoreId: fc.constantFrom('one', 'two'),
    userId: fc.constantFrom('a', 'b'),
    role: fc.constantFrom(...ROLES),
    bot: fc.boolean(),
  })
  const deeds = fc.constantFrom(...DEEDS)
  const rank = ({ role }: Party) => ROLES.indexOf(role)

  test('nothing is done across stores, and but for seeing nothing to somebody above', () => {
    fc.assert(
      fc.property(parties, deeds, parties, (actor, deed, target) => {
        if (!mayDo(actor, deed, target)) return
        expect(actor.identityStoreId).toBe(target.identityStoreId)
        if (deed !== 'see_sessions' && actor.userId !== target.userId) {
          expect(rank(actor)).toBeLessThanOrEqual(rank(target))
          expect(administers(actor.role)).toBe(true)
        }
      }),
    )
  })

  test('who acts as another is above, and the other is no bot', () => {
    fc.assert(
      fc.property(parties, fc.constantFrom<Deed[]>('sudo', 'generate_login_token'), parties, (actor, deed, target) => {
        if (!mayDo(actor, deed, target)) return
        expect(target.bot).toBe(false)
        expect(rank(actor) < rank(target) || (deed !== 'sudo' && actor.userId === target.userId)).toBe(true)
      }),
    )
  })

  test('a higher role may do to others whatever a lower one may', () => {
    fc.assert(
      fc.property(parties, deeds, parties, fc.constantFrom(...ROLES), (actor, deed, target, role) => {
        fc.pre(actor.userId !== target.userId && ROLES.indexOf(role) < rank(actor))
        if (mayDo(actor, deed, target)) expect(mayDo({ ...actor, role }, deed, target)).toBe(true)
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

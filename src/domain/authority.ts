/** Who may do what to whom: the one rule, which each API speaks in its own words. docs/authority.md shows it as a table. */

/** What people are in their identity store, the highest role first. */
export const ROLES = ['primary_owner', 'owner', 'admin', 'member'] as const
export type Role = (typeof ROLES)[number]

/** A person or a bot, as far as authority goes. */
export interface Party {
  readonly identityStoreId: string
  readonly userId: string
  readonly role: Role
  readonly bot: boolean
}

/** What one user does to another, or to itself. */
export type UserAction =
  | 'see_sessions'
  | 'end_sessions'
  | 'change_session_settings'
  | 'end_lockouts'
  | 'sudo'
  | 'generate_login_token'

interface Rule {
  /** Whether everybody may do it to oneself, whatever the role. */
  readonly oneself: boolean
  /** The lowest role that may do it to others. */
  readonly from: Role
  /** Whom it may be done to, seen from the role of who does it. */
  readonly to: 'everybody' | 'equal_or_lower' | 'lower'
  readonly toBots: boolean
}

const RULES: Readonly<Record<UserAction, Rule>> = {
  see_sessions: { oneself: true, from: 'admin', to: 'everybody', toBots: true },
  end_sessions: { oneself: true, from: 'admin', to: 'equal_or_lower', toBots: true },
  change_session_settings: { oneself: false, from: 'admin', to: 'equal_or_lower', toBots: false },
  end_lockouts: { oneself: false, from: 'admin', to: 'equal_or_lower', toBots: false },
  sudo: { oneself: false, from: 'admin', to: 'lower', toBots: false },
  generate_login_token: { oneself: true, from: 'owner', to: 'lower', toBots: false },
}

/** Whether one may do it to another, never across identity stores. Whether the other is active is not asked. */
export function mayDo(actor: Party, action: UserAction, target: Party): boolean {
  const { oneself, toBots } = RULES[action]
  if (actor.identityStoreId !== target.identityStoreId || (target.bot && !toBots)) return false
  if (oneself && actor.userId === target.userId) return true
  return rolesWithin(actor.role, action).includes(target.role)
}

/** The roles of those to whom a role may do it. */
export function rolesWithin(role: Role, action: UserAction): readonly Role[] {
  const { from, to } = RULES[action]
  if (rank(role) > rank(from)) return []
  return ROLES.filter((other) => to === 'everybody' || rank(other) > rank(role) || (to !== 'lower' && other === role))
}

/** Whether a role administers its identity store: its session config, what lockouts there are, and others at all. */
export function administers(role: Role): boolean {
  return rank(role) <= rank('admin')
}

/** 0 is the highest. */
function rank(role: Role): number {
  return ROLES.indexOf(role)
}

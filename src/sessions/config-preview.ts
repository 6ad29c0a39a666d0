/** What a change of a store's session config would end, by the rules that decide it when it is made. */
import type { UserKey } from '../domain/ids.ts'
import { type Limits, resolvePolicy, type SessionConfig, type Versioned } from '../domain/policy.ts'
import { previewEnds, RULES_THAT_END, type RuleThatEnds } from '../domain/preview.ts'
import { ok, type Result } from '../domain/result.ts'
import { type SessionView, viewOf } from '../domain/session-view.ts'
import { PREVIEW_EXAMPLES, PREVIEW_PAGE_ROWS } from '../limits.ts'
import type { Database } from '../store/database.ts'
import { type LiveUser, liveUsersOfStore } from '../store/live-users.ts'
import type { Unavailable } from '../time-limit.ts'

/** How many sessions, of how many users. */
interface Counted {
  readonly sessions: number
  readonly users: number
}

export interface ConfigPreview extends Counted {
  readonly byRule: Readonly<Record<RuleThatEnds, Counted>>
  /** The first of them. */
  readonly examples: readonly SessionView[]
}

/**
 * What would end if the store's config were `next` now. D1 knows when sessions were opened and when they were last seen
 * some time ago: overall timeout and limit are exact, those that idle out are an upper bound.
 */
export async function previewConfig(
  db: Database,
  identityStoreId: string,
  next: Versioned<SessionConfig>,
  limits: Limits,
  now: number,
): Promise<Result<ConfigPreview, Unavailable>> {
  const counts = new Map(Object.keys(RULES_THAT_END).map((rule) => [rule as RuleThatEnds, { sessions: 0, users: 0 }]))
  const all = { sessions: 0, users: 0 }
  const examples: SessionView[] = []
  let cursor = ''
  for (;;) {
    const page = await liveUsersOfStore(db, identityStoreId, cursor, PREVIEW_PAGE_ROWS)
    if (!page.ok) return page
    for (const user of page.value.users) {
      const { ends, views } = previewOf(user, next, limits, now)
      if (ends.length === 0) continue
      all.users += 1
      all.sessions += ends.length
      for (const [rule, count] of counts) {
        const ofRule = ends.filter((end) => end.rule === rule).length
        count.sessions += ofRule
        count.users += ofRule > 0 ? 1 : 0
      }
      examples.push(...views.slice(0, PREVIEW_EXAMPLES - examples.length))
    }
    if (page.value.nextCursor === null) break
    cursor = page.value.nextCursor
  }
  return ok({ ...all, byRule: Object.fromEntries(counts) as Record<RuleThatEnds, Counted>, examples })
}

function previewOf(
  { userId, identityStoreId, rules, sessions }: LiveUser,
  next: Versioned<SessionConfig>,
  limits: Limits,
  now: number,
) {
  const owner: UserKey = { identityStoreId, userId }
  const policy = resolvePolicy(rules, limits)
  const changed = resolvePolicy({ ...rules, config: next }, limits)
  const ends = previewEnds({ status: rules.status, policy, sessions }, changed, now)
  return { ends, views: ends.map(({ session }) => viewOf(owner, session, policy)) }
}

/** What a change of a store's session config would end, by the rules that decide it when it is made. */
import type { UserKey } from '../domain/ids.ts'
import { type Limits, resolvePolicy, type SessionConfig, type Versioned } from '../domain/policy.ts'
import { previewEnds, RULES_THAT_END, type RuleThatEnds } from '../domain/preview.ts'
import { ok, type Result } from '../domain/result.ts'
import { type SessionView, viewOf } from '../domain/session-view.ts'
import { PREVIEW_EXAMPLES, PREVIEW_PAGE_ROWS } from '../limits.ts'
import type { Database } from '../store/database.ts'
import { type FoundSession, liveSessionsAfter } from '../store/live-users.ts'
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
  const found = await liveSessionsByUser(db, identityStoreId)
  if (!found.ok) return found
  for (const [userId, sessions] of found.value) {
    const { ends, views } = previewOf({ identityStoreId, userId }, sessions, next, limits, now)
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
  return ok({ ...all, byRule: Object.fromEntries(counts) as Record<RuleThatEnds, Counted>, examples })
}

/** All live web sessions of a store, those of each user oldest first. */
async function liveSessionsByUser(
  db: Database,
  identityStoreId: string,
): Promise<Result<ReadonlyMap<string, readonly FoundSession[]>, Unavailable>> {
  const all: FoundSession[] = []
  for (;;) {
    const page = await liveSessionsAfter(db, identityStoreId, all.at(-1)?.cursor ?? '', PREVIEW_PAGE_ROWS)
    if (!page.ok) return page
    all.push(...page.value)
    if (page.value.length < PREVIEW_PAGE_ROWS) return ok(Map.groupBy(all, ({ userId }) => userId))
  }
}

function previewOf(
  owner: UserKey,
  found: readonly FoundSession[],
  next: Versioned<SessionConfig>,
  limits: Limits,
  now: number,
) {
  // Each row has the user's rules, so the first row's will do.
  const { rules } = found[0] as FoundSession
  const policy = resolvePolicy(rules, limits)
  const changed = resolvePolicy({ ...rules, config: next }, limits)
  const sessions = found.map(({ session }) => session)
  const ends = previewEnds({ status: rules.status, policy, sessions }, changed, now)
  return { ends, views: ends.map(({ session }) => viewOf(owner, session, policy)) }
}

import type { UserKey } from '../../domain/ids.ts'
import type { Policy } from '../../domain/policy.ts'
import type { SessionStory } from '../../domain/session-story.ts'
import { viewOf } from '../../domain/session-view.ts'
import type { StoredSession } from './rows.ts'

/** All that a user's object knows of one of the user's sessions. */
export function storyOf(
  owner: UserKey,
  { session, origin, clientChanges, ending }: StoredSession,
  policy: Policy,
): SessionStory {
  const view = viewOf(owner, session, policy)
  const told = { ...view, ...origin, clientChanges, ending }
  return ending === null ? told : { ...told, expiresAt: null, idlesOutAt: null }
}

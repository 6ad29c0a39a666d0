import type { UserKey } from '../../domain/ids.ts'
import type { Policy } from '../../domain/policy.ts'
import type { SessionStory } from '../../domain/session-story.ts'
import { viewOf } from '../../domain/session-view.ts'
import type { StoredSession } from './rows.ts'
import type { UserSessionsStorage } from './storage.ts'

/** All that is known of the live web sessions, oldest first; or of one session, live or remembered, of any kind. */
export function storiesIn(storage: UserSessionsStorage, policy: Policy, sessionId?: string): readonly SessionStory[] {
  const { owner } = storage
  if (owner === null) return []
  const live = storage.live().filter(({ kind }) => kind === 'web')
  const found = (sessionId === undefined ? live.map(({ id }) => id) : [sessionId]).map((id) => storage.find(id))
  return found.flatMap((stored) => (stored === null ? [] : [storyOf(owner, stored, policy)]))
}

function storyOf(
  owner: UserKey,
  { session, origin, clientChanges, ending }: StoredSession,
  policy: Policy,
): SessionStory {
  const view = viewOf(owner, session, policy)
  const told = { ...view, ...origin, clientChanges, ending }
  return ending === null ? told : { ...told, expiresAt: null, idlesOutAt: null }
}

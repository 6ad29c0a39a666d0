/** Pages of a user's own sessions, newest first. */
import type { z } from 'zod'
import type { OwnSessions, Page } from '../../sessions/object/calls.ts'
import { sessionBody } from '../session-body.ts'
import type { SessionListBody } from './schemas.ts'

/** What a page is asked for. */
interface AskedPage {
  readonly limit: number
  /** The last session of the page before. */
  readonly cursor?: string | undefined
}

/** The page with one session more, by which one sees whether there is another page. */
export function oneMore({ limit, cursor }: AskedPage): Page {
  return { before: cursor ?? null, limit: limit + 1 }
}

/** The answer, of what was found by `oneMore`. */
export function listBody(found: OwnSessions, { limit }: AskedPage): z.infer<typeof SessionListBody> {
  const all = found.sessions.map((view) => sessionBody(view, found.current.session.id)).reverse()
  const sessions = all.slice(0, limit)
  return { sessions, next_cursor: all.length > limit ? (sessions.at(-1)?.id ?? null) : null }
}

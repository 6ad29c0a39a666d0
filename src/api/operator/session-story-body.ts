/** A session as the operator API shows it, everywhere; and its timeline. */
import type { z } from 'zod'
import { clientKind } from '../../domain/client-kind.ts'
import { END_SENTENCES } from '../../domain/end-sentences.ts'
import { type Client, lastClient } from '../../domain/session.ts'
import { sessionNumber } from '../../domain/session-id.ts'
import type { SessionStory } from '../../domain/session-story.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import { timestamp } from '../responses.ts'
import { sessionBody } from '../session-body.ts'
import type { OperatorSessionBody, TimelineEntry } from './session-schemas.ts'

/** One session. */
export function operatorSessionBody(story: SessionStory): z.infer<typeof OperatorSessionBody> {
  const { session, ending, newDevice, persistentCookie, expiresAt } = story
  const view = { ...story, expiresAt: expiresAt ?? 0 }
  const { id, current, persistent, ...shown } = sessionBody(view, null)
  return {
    session_id: id,
    number: sessionNumber(id),
    ...shown,
    kind: session.kind,
    client_kind: clientKind(lastClient(session).userAgent),
    credentials_type: session.credentialsType,
    expires_at: expiresAt === null ? null : timestamp(expiresAt),
    flags: { new_device: newDevice, persistent: persistentCookie, sudo: session.actor !== null },
    ended_at: ending === null ? null : timestamp(ending.endedAt),
    end_reason: ending?.reason ?? null,
    end_sentence: ending === null ? null : END_SENTENCES[ending.reason],
    ended_by: ending?.by.caller ?? null,
    end_request_id: ending?.by.requestId ?? null,
  }
}

/** What happened to a session, in order. */
export function timelineOf(story: SessionStory): z.infer<typeof TimelineEntry>[] {
  const { session, openedBy, replacesSessionId, newDevice, clientChanges, ending } = story
  return [
    {
      event: 'opened',
      at: timestamp(session.openedAt),
      credentials_type: session.credentialsType,
      by: openedBy,
      ...clientBody(session.client),
      replaces_session_id: replacesSessionId,
      opened_from_session_id: session.actor?.sessionId ?? null,
      new_device: newDevice,
    },
    ...clientChanges.map(({ at, client }) => ({
      event: 'client_changed' as const,
      at: timestamp(at),
      ...clientBody(client),
    })),
    ...(ending === null
      ? []
      : [
          {
            event: 'ended' as const,
            at: timestamp(ending.endedAt),
            reason: ending.reason,
            sentence: END_SENTENCES[ending.reason],
            decision: ending.decision ?? null,
            by: ending.by.caller,
            request_id: ending.by.requestId,
          },
        ]),
  ]
}

function clientBody({ address, userAgent }: Client) {
  const { browser, operatingSystem } = parseUserAgent(userAgent)
  return { address, browser, operating_system: operatingSystem }
}

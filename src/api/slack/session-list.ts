/** `admin.users.session.list`: one user's sessions from the user's object, everybody's from the mirror. */
import type { z } from 'zod'
import { fail, ok } from '../../domain/result.ts'
import type { Client } from '../../domain/session.ts'
import { SESSION_ID_PATTERN, sessionNumber } from '../../domain/session-id.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import { type ListedSession, listLiveSessions } from '../../store/live-sessions.ts'
import { findUser } from '../../store/users.ts'
import { refusal, refusalOf } from './errors.ts'
import type { Call, MethodResult } from './method.ts'
import type { ListArguments, SessionListBody } from './schemas.ts'

type ListCall = Call<z.infer<typeof ListArguments>>

/** The live sessions, newest first. Pages go on where the last one ended, whatever was opened or ended since. */
export async function list(call: ListCall): MethodResult {
  const { caller, input } = call
  const { team_id: teamId, user_id: userId, cursor, limit } = input
  if (teamId === undefined && userId !== undefined) return refusal('missing_team')
  if (teamId !== undefined && userId === undefined) return refusal('missing_user')
  if (teamId !== undefined && teamId !== caller.identityStoreId) return refusal('team_not_found')
  const before = cursor === undefined ? null : decodeCursor(cursor)
  if (before === undefined) return refusal('invalid_cursor')
  // One more than asked for: it tells whether there is another page.
  return userId === undefined ? ofEverybody(call, before, limit + 1) : ofUser(call, userId, before, limit + 1)
}

async function ofEverybody({ caller, input, context }: ListCall, before: string | null, most: number): MethodResult {
  const { db, settings } = context.services
  const ceiling = settings.limits.maxOverallTimeoutSeconds
  const found = await listLiveSessions(db, caller.identityStoreId, { before, limit: most }, ceiling, context.now)
  return found.ok ? ok(page(found.value, input.limit, caller.identityStoreId)) : fail(refusalOf(found.error))
}

async function ofUser(
  { caller, input, context }: ListCall,
  userId: string,
  before: string | null,
  most: number,
): MethodResult {
  const { db, sessions } = context.services
  const owner = { identityStoreId: caller.identityStoreId, userId }
  const user = await findUser(db, owner)
  if (!user.ok) return fail(refusalOf(user.error))
  if (user.value === null) return refusal('user_not_found')
  if (user.value.user.bot) return refusal('bots_not_allowed')
  const views = await sessions.list(owner, user.value.rules)
  if (!views.ok) return fail(refusalOf(views.error))
  const newestFirst = views.value
    .map(({ session }) => ({
      userId,
      sessionId: session.id,
      client: session.client,
      recentClient: session.recentClient,
    }))
    .filter(({ sessionId }) => before === null || sessionId < before)
    .reverse()
  return ok(page(newestFirst.slice(0, most), input.limit, caller.identityStoreId))
}

function page(
  found: readonly ListedSession[],
  limit: number,
  teamId: string,
): Omit<z.infer<typeof SessionListBody>, 'ok'> {
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    active_sessions: shown.map(({ userId, sessionId, client, recentClient }) => ({
      user_id: userId,
      session_id: sessionNumber(sessionId),
      team_id: teamId,
      created: clientBody(client),
      ...(recentClient === null ? {} : { recent: clientBody(recentClient) }),
    })),
    response_metadata: { next_cursor: found.length > limit && last !== undefined ? encodeCursor(last.sessionId) : '' },
  }
}

function clientBody({
  address,
  userAgent,
}: Client): z.infer<typeof SessionListBody>['active_sessions'][number]['created'] {
  const { hardware, os, osVersion, program } = parseUserAgent(userAgent).device
  return { device_hardware: hardware, os, os_version: osVersion, slack_client_version: program, ip: address ?? '' }
}

/** A cursor is the id of the last session shown. */
function encodeCursor(sessionId: string): string {
  return Buffer.from(`session:${sessionId}`).toString('base64')
}

/** Undefined for a text that is no cursor of ours. */
function decodeCursor(cursor: string): string | undefined {
  const [kind, sessionId = ''] = Buffer.from(cursor, 'base64').toString('latin1').split(':')
  return kind === 'session' && SESSION_ID_PATTERN.test(sessionId) && encodeCursor(sessionId) === cursor
    ? sessionId
    : undefined
}

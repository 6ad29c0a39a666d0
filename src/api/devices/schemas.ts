/** What the pages take. A query that makes no sense is left out of account: people follow old links. */
import { z } from 'zod'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'

const cursor = z.string().regex(SESSION_ID_PATTERN).optional().catch(undefined)

export const DONE = ['end', 'end_others', 'not_me'] as const

export const DevicesQuery = z.object({
  before: cursor.describe('Shows sessions that were opened before this one.'),
  ended_before: cursor.describe('The page of ended sessions: those older than this one.'),
  done: z.enum(DONE).optional().catch(undefined).describe('What a form has done.'),
  ended: z.coerce.number().int().min(0).max(1_000).optional().catch(undefined),
})

export const SignInQuery = z.object({
  return_to: z
    .string()
    .max(2_048)
    .optional()
    .catch(undefined)
    .describe('Where to go on to: an own path, or an address of an allowed origin.'),
  done: z.enum(['signed_out']).optional().catch(undefined),
})

const username = z.string().min(1).max(254)
const password = z.string().min(1).max(1_024)
const on = z.literal('on')

/** Fields named by the id of a session say which are to end, to make room. */
export const SignInForm = z
  .object({ username, password, persistent: on.optional() })
  .catchall(on)
  .meta({ id: 'SignInForm' })

/** User name and password are there when the user was asked to sign in again. */
export const DevicesForm = z
  .object({
    act: z.enum(DONE),
    session_id: z.string().max(64).optional(),
    username: username.optional(),
    password: password.optional(),
  })
  .meta({ id: 'DevicesForm' })

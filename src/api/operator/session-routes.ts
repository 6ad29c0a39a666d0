/** Routes of sessions, of a store and of one user. */
import type { Route } from '../route.ts'
import { json, operatorRoute } from './operator-route.ts'
import * as details from './session-details.ts'
import { endSessions } from './session-ends.ts'
import * as lists from './session-lists.ts'
import * as schemas from './session-schemas.ts'

const STORE = '/identity-stores/:identity_store_id'
const SESSIONS = `${STORE}/sessions` as const
const OF_USER = `${STORE}/users/:user_id/sessions` as const

/** The routes. */
export const sessionRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: SESSIONS,
    operationId: 'listStoreSessions',
    scope: 'operator:read',
    summary: 'List the live or the ended sessions, newest first.',
    query: schemas.SessionQuery,
    responses: { 200: { description: 'A page of sessions, as D1 has them.', schema: schemas.SessionListBody } },
    handle: lists.list,
  }),
  operatorRoute({
    method: 'GET',
    path: `${SESSIONS}/count`,
    operationId: 'countStoreSessions',
    scope: 'operator:read',
    summary: 'Count the sessions, by the same filters.',
    query: schemas.SessionCountQuery,
    responses: { 200: { description: 'How many there are.', schema: schemas.SessionCountBody } },
    handle: lists.count,
  }),
  operatorRoute({
    method: 'GET',
    path: `${SESSIONS}/:session_id`,
    operationId: 'getStoreSession',
    scope: 'operator:read',
    summary: 'Explain one session, with a timeline.',
    responses: { 200: { description: 'The session with its timeline.', schema: schemas.SessionDetailBody } },
    handle: details.getSession,
  }),
  operatorRoute({
    method: 'POST',
    path: `${SESSIONS}/end`,
    operationId: 'endStoreSessions',
    scope: 'operator:sessions',
    idempotent: true,
    summary: 'End named sessions, or all that fit a filter, by a job.',
    body: json(schemas.EndSessionsInput),
    responses: {
      202: { description: 'The job; `Location` is its place.', schema: schemas.JobBody },
    },
    errors: { 409: 'Over 10 % more would end than expected.' },
    handle: endSessions,
  }),
  operatorRoute({
    method: 'GET',
    path: OF_USER,
    operationId: 'listUserSessions',
    scope: 'operator:read',
    summary: 'List the live web sessions of a user, newest first; exact.',
    responses: {
      200: { description: "The sessions, as the user's object has them.", schema: schemas.SessionListBody },
    },
    handle: details.listOfUser,
  }),
  operatorRoute({
    method: 'POST',
    path: `${OF_USER}/end`,
    operationId: 'endUserSessions',
    scope: 'operator:sessions',
    idempotent: true,
    summary: 'End sessions of a user: all, all but some, or some.',
    body: json(schemas.EndUserSessionsInput),
    responses: { 200: { description: 'The sessions that ended now.', schema: schemas.EndedBody } },
    handle: details.endOfUser,
  }),
]

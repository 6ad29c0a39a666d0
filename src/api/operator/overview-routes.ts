/** Routes of what goes on in an identity store: its figures, who is locked out, and what was done. */
import type { Route } from '../route.ts'
import { listEvents } from './audit-events.ts'
import { getVerification, VerificationBody, VerificationQuery } from './audit-verification.ts'
import { AuditEventListBody } from './history-schemas.ts'
import * as lockouts from './lockouts.ts'
import { getMetrics } from './metrics.ts'
import { operatorRoute } from './operator-route.ts'
import { getOverview } from './overview.ts'
import * as schemas from './overview-schemas.ts'
import { listUserSummaries } from './user-summaries.ts'

const STORE = '/identity-stores/:identity_store_id'

const events = {
  description: 'A page of audit events, newest first; with `Accept: application/x-ndjson` all of them, one a line.',
  schema: AuditEventListBody,
}

const verification = {
  description: 'What is wrong with a stretch of the chain of audit events; nothing, as a rule.',
  schema: VerificationBody,
}

/** The routes. */
export const overviewRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: '/metrics',
    operationId: 'getMetrics',
    scope: 'operator:read',
    summary: 'Read the state of the whole deployment, for Prometheus.',
    responses: { 200: { description: 'Prometheus text format 0.0.4.' } },
    handle: getMetrics,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/overview`,
    operationId: 'getOverview',
    scope: 'operator:read',
    summary: 'Read what goes on in the identity store, in figures.',
    query: schemas.OverviewQuery,
    responses: {
      200: { description: 'The figures of now, and of the last hours.', schema: schemas.OverviewBody },
    },
    handle: getOverview,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/user-summaries`,
    operationId: 'listUserSummaries',
    scope: 'operator:read',
    summary: 'Read the names of users, and how they are signed in. Who is not there is left out.',
    query: schemas.UserSummaryQuery,
    responses: { 200: { description: 'The users, in a line each.', schema: schemas.UserSummariesBody } },
    handle: listUserSummaries,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/lockouts`,
    operationId: 'listLockouts',
    scope: 'operator:read',
    summary: 'List the users who are locked for an address after too many wrong passwords.',
    query: schemas.LockoutQuery,
    responses: {
      200: { description: 'A page of lockouts in force, newest first.', schema: schemas.LockoutListBody },
    },
    handle: lockouts.listLockouts,
  }),
  operatorRoute({
    method: 'DELETE',
    path: `${STORE}/lockouts/:lockout_id`,
    operationId: 'deleteLockout',
    scope: 'operator:sessions',
    summary: 'End a lockout: the user may try again at once.',
    responses: { 204: { description: 'The lockout is over, and what was counted is forgotten.' } },
    handle: lockouts.deleteLockout,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/audit-events`,
    operationId: 'listAuditEvents',
    scope: 'operator:read',
    summary: 'List what was done in an identity store, also in a deleted one.',
    query: schemas.AuditQuery,
    responses: { 200: events },
    handle: listEvents,
  }),
  operatorRoute({
    method: 'GET',
    path: '/audit-events',
    operationId: 'listOperatorAuditEvents',
    scope: 'operator:read',
    summary: "List what was done to the operators' credentials.",
    query: schemas.AuditQuery,
    responses: { 200: events },
    handle: listEvents,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/audit-events/verification`,
    operationId: 'verifyAuditEvents',
    scope: 'operator:read',
    summary: 'Verify that no audit event was altered, removed or inserted.',
    query: VerificationQuery,
    responses: { 200: verification },
    handle: getVerification,
  }),
  operatorRoute({
    method: 'GET',
    path: '/audit-events/verification',
    operationId: 'verifyOperatorAuditEvents',
    scope: 'operator:read',
    summary: "Verify the same of the operators' own.",
    query: VerificationQuery,
    responses: { 200: verification },
    handle: getVerification,
  }),
]

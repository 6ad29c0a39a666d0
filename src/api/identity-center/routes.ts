/** Huawei Cloud's IAM Identity Center: the sessions of a user. */
import { type Api, type Route, route, withCaller } from '../route.ts'
import { permitted } from './caller.ts'
import { errors, renderBug, renderError } from './errors.ts'
import { BatchDeleteInput, SessionListBody } from './schemas.ts'
import { batchDeleteSessions, listSessions } from './sessions.ts'

const SESSIONS = '/identity-stores/:identity_store_id/users/:user_id/sessions'

const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: SESSIONS,
    operationId: 'identityCenterListSessions',
    summary: "List a user's live sessions. Permission `IdentityCenter:user:listSessions`.",
    security: ['access_key'],
    responses: { 200: { description: "The user's live sessions, newest first.", schema: SessionListBody } },
    handle: withCaller(permitted('IdentityCenter:user:listSessions'), listSessions),
  }),
  route({
    method: 'POST',
    path: `${SESSIONS}/batch-delete`,
    operationId: 'identityCenterBatchDeleteSessions',
    summary: 'End sessions of a user. Idempotent. Permission `IdentityCenter:user:batchDeleteSession`.',
    security: ['access_key'],
    body: { schema: BatchDeleteInput, mediaTypes: ['application/json'] },
    responses: { 200: { description: 'None of the sessions is live any more. There is no body.' } },
    handle: withCaller(permitted('IdentityCenter:user:batchDeleteSession'), batchDeleteSessions),
  }),
]

/** The Identity Center API. What was signed for one method must not pass for another: it takes no HEAD for GET. */
export const identityCenterApi: Api = {
  name: 'Identity Center',
  base: '/v1',
  routes,
  territory: ['/v1/*'],
  trailingSlash: 'never',
  refusesHead: true,
  renderError,
  renderBug,
  errors,
}

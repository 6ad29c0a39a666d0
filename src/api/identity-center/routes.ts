/** Huawei Cloud's IAM Identity Center: the sessions of a user. */
import type { Answer, Api, Route } from '../route.ts'
import { renderBug, renderError } from './errors.ts'
import { permitted } from './operation.ts'
import { BatchDeleteInput, ErrorBody, SessionListBody } from './schemas.ts'
import { batchDeleteSessions, listSessions } from './sessions.ts'

const SESSIONS = '/identity-stores/:identity_store_id/users/:user_id/sessions'

const fault = (description: string): Answer => ({ description, schema: ErrorBody })
const common = {
  401: fault('`APIGW.0301`: not properly signed, or with a key that is not in use.'),
  403: fault('`IIC.1000`: no permission for the action in this identity store. `APIGW.0302`: not from this address.'),
  404: fault('`IIC.404`: no such user.'),
  429: fault('`APIGW.0308`: too many requests; see `Retry-After`.'),
  503: fault('`APIGW.0201`: temporarily unavailable.'),
}

const routes: readonly Route[] = [
  {
    method: 'GET',
    path: SESSIONS,
    operationId: 'identityCenterListSessions',
    summary: "List a user's live sessions. Permission `IdentityCenter:user:listSessions`.",
    security: ['access_key'],
    answers: { 200: { description: 'The sessions.', schema: SessionListBody }, ...common },
    handle: permitted('IdentityCenter:user:listSessions', listSessions),
  },
  {
    method: 'POST',
    path: `${SESSIONS}/batch-delete`,
    operationId: 'identityCenterBatchDeleteSessions',
    summary: 'End sessions of a user. Idempotent. Permission `IdentityCenter:user:batchDeleteSession`.',
    security: ['access_key'],
    body: { schema: BatchDeleteInput, mediaTypes: ['application/json'] },
    answers: {
      200: { description: 'None of them lives any more. No body.' },
      400: fault('`IIC.400`: not 1 to 1 000 session ids. `APIGW.0201`: the body broke off.'),
      ...common,
      413: fault('`APIGW.0201`: the body is too large.'),
    },
    handle: permitted('IdentityCenter:user:batchDeleteSession', batchDeleteSessions),
  },
]

/** The Identity Center API. */
export const identityCenterApi: Api = {
  name: 'Identity Center',
  base: '/v1',
  routes,
  renderError,
  renderBug,
  trailingSlash: 'never',
}

/** Every code that a refusal can have leads to its paragraph, in each API that links to it. */
import { expect, test } from 'vitest'
import type { RequestContext } from '../../src/api/context.ts'
import { renderError as renderForLooker } from '../../src/api/looker/errors.ts'
import { renderInternalProblem, renderProblem } from '../../src/api/problems.ts'
import { PARAGRAPHS } from '../../src/api/problems-page.ts'
import type { SessionError, SessionErrorCode } from '../../src/domain/errors.ts'
import { send } from '../support/requests.ts'

/** One refusal of each code: one that is missing does not compile. */
const REFUSALS: { readonly [Code in SessionErrorCode]: Extract<SessionError, { readonly code: Code }> } = {
  invalid_request: { code: 'invalid_request', issues: [{ field: 'name', code: 'missing', message: 'Is required.' }] },
  request_too_large: { code: 'request_too_large', limitBytes: 1 },
  unsupported_media_type: { code: 'unsupported_media_type', accepted: ['application/json'] },
  request_timeout: { code: 'request_timeout' },
  path_not_found: { code: 'path_not_found' },
  method_not_allowed: { code: 'method_not_allowed', allowed: ['GET'] },
  unauthenticated: { code: 'unauthenticated' },
  wrong_token_kind: { code: 'wrong_token_kind', expected: 'web session', found: 'credential' },
  credential_expired: { code: 'credential_expired' },
  credential_revoked: { code: 'credential_revoked' },
  credential_owner_disabled: { code: 'credential_owner_disabled' },
  address_not_allowed: { code: 'address_not_allowed' },
  session_ended: { code: 'session_ended', reason: 'idle', endedAt: 0 },
  invalid_credentials: { code: 'invalid_credentials' },
  locked_out: { code: 'locked_out', retryAfterSeconds: 1 },
  rate_limited: { code: 'rate_limited', retryAfterSeconds: 1 },
  forbidden: { code: 'forbidden', needed: [], provided: [] },
  confirmation_needed: { code: 'confirmation_needed', provenAt: 0 },
  origin_not_allowed: { code: 'origin_not_allowed' },
  identity_store_not_found: { code: 'identity_store_not_found' },
  user_not_found: { code: 'user_not_found' },
  user_disabled: { code: 'user_disabled' },
  session_not_found: { code: 'session_not_found' },
  credential_not_found: { code: 'credential_not_found' },
  openid_provider_not_found: { code: 'openid_provider_not_found' },
  config_version_not_found: { code: 'config_version_not_found' },
  lockout_not_found: { code: 'lockout_not_found' },
  job_not_found: { code: 'job_not_found' },
  event_endpoint_not_found: { code: 'event_endpoint_not_found' },
  more_than_expected: { code: 'more_than_expected', count: 12 },
  group_config_not_found: { code: 'group_config_not_found' },
  precondition_failed: { code: 'precondition_failed', version: 2 },
  session_limit_reached: { code: 'session_limit_reached', sessions: [] },
  idempotency_key_reused: { code: 'idempotency_key_reused' },
  idempotent_request_running: { code: 'idempotent_request_running' },
  conflict: { code: 'conflict', detail: 'It clashes.' },
  unavailable: { code: 'unavailable', what: 'D1', retryAfterSeconds: 1 },
}

const ORIGIN = 'https://latchkey.example'
const context = {
  headers: { 'x-request-id': 'request' },
  requestId: 'request',
  services: { settings: { publicOrigins: [ORIGIN] } },
} as unknown as RequestContext

test('every code has its paragraph, and `type` and `documentation_url` lead to it', async () => {
  const page = await (await send('/docs/problems')).text()
  const anchors = Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => id)
  expect(anchors).toEqual(Object.keys(PARAGRAPHS))
  expect(anchors.toSorted()).toEqual([...Object.keys(REFUSALS), 'internal_error'].toSorted())
  for (const [code, error] of Object.entries(REFUSALS)) {
    expect(await renderProblem(error, context).json()).toMatchObject({ code, type: `/docs/problems#${code}` })
    const looker = (await renderForLooker(error, context).json()) as { documentation_url: string }
    expect(looker.documentation_url).toBe(`${ORIGIN}/docs/problems#${code}`)
  }
  expect(await renderInternalProblem(context).json()).toMatchObject({ type: '/docs/problems#internal_error' })
  expect(await (await send('/nothing')).json()).toMatchObject({ type: '/docs/problems#path_not_found' })
})

test('every problem has the members that the documentation says of its code, and no others', async () => {
  const document = (await (await send('/openapi.json')).json()) as { components: { schemas: Record<string, Variant> } }
  const { schemas } = document.components
  const common = schemas.AnyProblem?.properties ?? {}
  const variants = Object.values(schemas).flatMap(
    ({ allOf }) => allOf?.find(({ properties }) => properties?.code !== undefined) ?? [],
  )
  const errors: readonly SessionError[] = [
    ...Object.values(REFUSALS),
    { code: 'identity_store_not_found', identityStoreIds: ['a'] },
  ]
  for (const error of errors) {
    const body = (await renderProblem(error, context).json()) as object
    const told = variants.find(
      ({ properties: { code } = {} }) => code?.const === error.code || code?.enum?.includes(error.code),
    )
    const members = Object.keys({ ...common, ...told?.properties })
    expect([error.code, Object.keys(body).filter((name) => !members.includes(name))]).toEqual([error.code, []])
    for (const name of told?.required ?? []) expect(body).toHaveProperty(name)
  }
})

interface Variant {
  readonly properties?: Readonly<Record<string, { readonly const?: string; readonly enum?: readonly string[] }>>
  readonly required?: readonly string[]
  readonly allOf?: readonly Variant[]
}

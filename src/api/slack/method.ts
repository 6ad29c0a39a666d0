/**
 * How a method is called. The order of the checks is fixed: path and HTTP method, content type and charset,
 * token, rate limit, scope, the store's state, arguments; then the method itself looks who and what exists.
 */
import type { z } from 'zod'
import { requireScope } from '../../auth/credentials.ts'
import type { Scope } from '../../auth/scopes.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { SlackTiers } from '../../settings.ts'
import { answerBug } from '../bugs.ts'
import type { RequestContext } from '../context.ts'
import type { Handler } from '../route.ts'
import { type Arguments, checkArguments, lacksForm, readArguments } from './arguments.ts'
import { type AdminCaller, admit, authenticate, requireAdmin, type SlackCaller } from './caller.ts'
import { type Refusal, refusal, refusalOf, refusalResponse, requestHeaders, slackJson } from './errors.ts'

/** One call of a method, let in. */
export interface Call<Input> {
  readonly caller: AdminCaller
  readonly input: Input
  /** With the caller in records and the audit log. */
  readonly context: RequestContext & { readonly actor: string }
}

/** What a method comes to: the members of its response beside `ok`, or a refusal. */
export type MethodResult = Promise<Result<object, Refusal>>

/** A method for administrators. */
export interface Method<Input> {
  readonly name: string
  readonly scope: Extract<Scope, `admin.users:${string}`>
  readonly tier: keyof SlackTiers
  readonly schema: z.ZodType<Input>
  readonly run: (call: Call<Input>) => MethodResult
}

/** The handler of a method for administrators. */
export function adminHandler<Input>(method: Method<Input>): Handler {
  return (request, _parameters, context) =>
    respond(request, context, method.scope, async (given, headers) => {
      const caller = await letIn(request, given, method, context, headers)
      if (!caller.ok) return caller
      const scoped = requireScope(caller.value, method.scope)
      if (!scoped.ok) return fail(refusalOf(scoped.error))
      const admin = requireAdmin(caller.value)
      if (!admin.ok) return admin
      const state = admin.value.store.state
      if (state === 'migrating') return refusal('team_added_to_org')
      if (state === 'without_plan') return refusal('feature_not_enabled')
      if (!given.ok) return given
      const team = given.value.get('team_id')
      // `list` has words of its own for a team that is not there.
      if (method.name !== 'admin.users.session.list' && isForeign(team, admin.value))
        return refusal('team_access_not_granted')
      const input = checkArguments(given.value, method.schema)
      if (!input.ok) return lacksForm(request, given.value) ? refusal('invalid_form_data') : input
      const actor = `credential:${admin.value.credentialId}`
      return method.run({ caller: admin.value, input: input.value, context: { ...context, actor } })
    })
}

/** The handler of a method for any token of a store. */
export function tokenHandler(
  name: string,
  run: (caller: SlackCaller, context: RequestContext) => Result<object, Refusal>,
): Handler {
  return (request, _parameters, context) =>
    respond(request, context, null, async (given, headers) => {
      const caller = await letIn(request, given, { name, tier: 'tier4' }, context, headers)
      if (!caller.ok) return caller
      if (caller.value.store.state === 'migrating') return refusal('org_login_required')
      return given.ok ? run(caller.value, context) : given
    })
}

/** The handler of a method that needs no token. `run` makes the whole body. */
export function openHandler(run: (given: Arguments) => object): Handler {
  return async (request, _parameters, context) => {
    const headers = requestHeaders(context)
    const given = await readArguments(request)
    return ok(given.ok ? slackJson(run(given.value), headers) : refusalResponse(given.error, headers))
  }
}

async function letIn(
  request: Request,
  given: Result<Arguments, Refusal>,
  { name, tier }: { readonly name: string; readonly tier: keyof SlackTiers },
  context: RequestContext,
  headers: Headers,
): Promise<Result<SlackCaller, Refusal>> {
  const early = given.ok ? null : given.error
  // A wrong content type is told before a wrong token. Wrong arguments are told after it, unless the token should have
  // been among them.
  if (early !== null && (CONTENT.has(early.error) || !request.headers.has('authorization'))) return fail(early)
  const caller = await authenticate(request, given.ok ? given.value : null, context)
  if (!caller.ok) return caller
  headers.set('x-oauth-scopes', caller.value.scopes.join(','))
  return admit(caller.value, name, context.services.settings.slackTiers[tier], context)
}

const CONTENT: ReadonlySet<string> = new Set([
  'invalid_post_type',
  'missing_post_type',
  'invalid_charset',
  'request_timeout',
])

/** Calls a method and renders what comes of it. A bug may have done a part of the work: Slack's word for that is `fatal_error`. */
async function respond(
  request: Request,
  context: RequestContext,
  scope: Scope | null,
  call: (given: Result<Arguments, Refusal>, headers: Headers) => MethodResult,
): Promise<Result<Response, never>> {
  const headers = requestHeaders(context)
  if (scope !== null) headers.set('x-accepted-oauth-scopes', scope)
  try {
    const result = await call(await readArguments(request), headers)
    return ok(result.ok ? slackJson({ ok: true, ...result.value }, headers) : refusalResponse(result.error, headers))
  } catch (error) {
    const refused = { error: scope === 'admin.users:write' ? 'fatal_error' : 'internal_error' } as const
    return ok(await answerBug({ renderBug: () => refusalResponse(refused, headers) }, error, context))
  }
}

function isForeign(team: unknown, caller: SlackCaller): boolean {
  return team !== undefined && team !== null && team !== '' && team !== caller.identityStoreId
}

/** Success without more to say. */
export const done: Result<object, never> = ok({})

/** How a route of the operator API is made: it says what it asks of its caller, which is all that it has to do. */
import type { z } from 'zod'
import { ok } from '../../domain/result.ts'
import { idempotently } from '../idempotency.ts'
import { type Handler, type Route, type RouteWith, withCaller } from '../route.ts'
import { authenticate, type OperatorContext, type OperatorRule } from './caller.ts'
import { withEtag } from './etags.ts'
import { ADMINISTRATOR_SCOPES } from './known-caller.ts'

/** A JSON body of a shape. */
export function json(schema: z.ZodType) {
  return { schema, mediaTypes: ['application/json'] }
}

/** One route for the list. */
export function operatorRoute<const Path extends string>(
  one: Omit<RouteWith<Path, OperatorContext>, 'security' | keyof OperatorRule> & OperatorRule,
): Route {
  return {
    ...one,
    security: isForAdministrators(one) ? ['operator', 'console_session', 'session'] : ['operator', 'console_session'],
    handle: withCaller(
      (request, parameters: Readonly<Record<string, string>>, context) =>
        authenticate(one, request, parameters, context),
      one.idempotent === true ? onlyOnce(one.handle) : one.method === 'GET' ? withEtags(one.handle) : one.handle,
    ),
  }
}

function withEtags<Parameters>(handle: Handler<Parameters, OperatorContext>): Handler<Parameters, OperatorContext> {
  return async (request, parameters, context) => withEtag(request, await handle(request, parameters, context))
}

function onlyOnce<Parameters>(handle: Handler<Parameters, OperatorContext>): Handler<Parameters, OperatorContext> {
  return (request, parameters, context) =>
    idempotently(
      request,
      context,
      () => ok(context.actor),
      (once) => handle(once, parameters, context),
    )
}

function isForAdministrators({ scope, about, path }: OperatorRule & { readonly path: string }): boolean {
  if (scope !== null && !ADMINISTRATOR_SCOPES.includes(scope)) return false
  return about === 'own' || (about !== 'all' && path.includes(':identity_store_id'))
}

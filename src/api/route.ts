/** Routes as data: the list that serves an API's requests is also what `/openapi.json` says of it. */
import type { z } from 'zod'
import type { SessionError } from '../domain/errors.ts'
import { ok, type Result } from '../domain/result.ts'
import type { RequestContext } from './context.ts'

/** What a handler comes to: a response, or an error that its API renders. */
export type HandlerResult = Promise<Result<Response, SessionError>>

/** Answers a request. The parameters of the path are decoded. */
export type Handler<Parameters = object, Context extends RequestContext = RequestContext> = (
  request: Request,
  parameters: Parameters,
  context: Context,
) => HandlerResult | Awaited<HandlerResult>

/** The parameters that a path names: `/users/:userId/sessions` has `{ userId: string }`. */
export type PathParameters<Path extends string> = Path extends unknown
  ? { readonly [Name in ParameterName<Path>]: string }
  : never

type ParameterName<Path extends string> = Path extends `${string}/:${infer Name}/${infer Rest}`
  ? Name | ParameterName<`/${Rest}`>
  : Path extends `${string}/:${infer Name}`
    ? Name
    : never

/** How a route knows its caller; the names of OpenAPI's security schemes. */
export type Security =
  | 'none'
  | 'session'
  | 'session_cookie'
  | 'credential'
  | 'api_client'
  | 'operator'
  | 'console_session'
  | 'access_key'
  | 'access_token'

/** What is said in the documentation of the errors with a status. */
export type ErrorDescriptions = Readonly<Record<number, string>>

/** One method of one path. */
export interface Route<Path extends string = string> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the API's base, as itty writes it: `/users/:userId`. */
  readonly path: Path
  readonly operationId: string
  readonly summary: string
  /** Any one of these will do. */
  readonly security: readonly Security[]
  /** What the caller's credential must allow, in an API that has scopes. Null: anything. */
  readonly scope?: string | null
  /** Whether the caller must have proved itself within the last minutes. */
  readonly confirmed?: true
  /** Whether it takes `Idempotency-Key`. */
  readonly idempotent?: true
  readonly query?: z.ZodObject
  readonly body?: { readonly schema: z.ZodType; readonly mediaTypes: readonly string[] }
  /** What is answered to a good request. */
  readonly responses: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>
  /** Errors beside those that follow from what it takes (`Api.errors`); null for one that it never has. */
  readonly errors?: Readonly<Record<number, string | null>>
  /** A method, so that one list can hold handlers that take different parameters. */
  handle(...request: Parameters<Handler<PathParameters<Path>>>): ReturnType<Handler>
}

/** An API: its place, its routes and its words. */
export interface Api {
  /** Its name in the documentation. */
  readonly name: string
  readonly base: string
  readonly routes: readonly Route[]
  /** Paths on which it speaks of what is not served: itty patterns. */
  readonly territory: readonly string[]
  /** Whether paths end with a slash (`always`) or never do. */
  readonly trailingSlash: 'never' | 'always'
  /** Whether `//` under its base is `/`. Else no such path is served. */
  readonly mergesSlashes?: true
  /** Whether HEAD is refused. Else it is GET without the body. */
  readonly refusesHead?: true
  /** Renders an expected failure. */
  readonly renderError: (error: SessionError, context: RequestContext) => Response
  /** Renders a bug; it has been logged. */
  readonly renderBug: (context: RequestContext) => Response
  readonly errors: ApiErrors
}

/** For the documentation: the errors that a route has because of what it takes. */
export interface ApiErrors {
  /** Whose words they are. Default: the API's name. */
  readonly name?: string
  readonly schemaOf: (status: number) => z.ZodType
  /** Default `application/json`. */
  readonly mediaType?: string
  /** Of every method but GET. */
  readonly unsafe?: ErrorDescriptions
  readonly query?: ErrorDescriptions
  readonly body?: ErrorDescriptions
  readonly pathParameters?: ErrorDescriptions
  readonly security: Partial<Record<Security, ErrorDescriptions>>
}

/** A route whose handler takes the parameters that its path has, and no others. */
export type RouteWith<Path extends string, Context extends RequestContext> = Omit<Route<Path>, 'handle'> & {
  readonly handle: Handler<PathParameters<Path>, Context>
}

/** One route for a list. */
export function route<const Path extends string>(one: RouteWith<Path, RequestContext>): Route {
  return one
}

/**
 * Finds out who calls, and gives the handler a context that says so. A response instead of an error is a refusal that
 * the API has rendered itself.
 */
type Authenticate<Parameters, Context> = (
  request: Request,
  parameters: Parameters,
  context: RequestContext,
) => Promise<Result<Context, SessionError | Response>>

/** A handler that only callers reach whom `authenticate` knows. */
export function withCaller<Known, Context extends RequestContext, Parameters>(
  authenticate: Authenticate<Known, Context>,
  handle: Handler<Parameters, Context>,
): Handler<Known & Parameters> {
  return async (request, parameters, context) => {
    const known = await authenticate(request, parameters, context)
    if (known.ok) return handle(request, parameters, known.value)
    const { error } = known
    return error instanceof Response ? ok(error) : { ok: false, error }
  }
}

/** Makes the routes of callers who prove themselves in one way. */
export function routesFor<Context extends RequestContext>(
  security: Security,
  authenticate: Authenticate<Readonly<Record<string, string>>, Context>,
) {
  return <const Path extends string>(one: Omit<RouteWith<Path, Context>, 'security'>): Route => ({
    ...one,
    security: [security],
    handle: withCaller(authenticate, one.handle),
  })
}

/** What every framework's middleware does: who asks, and whether that is enough. Speaks of no framework. */

import type { Check } from './answers.ts'
import { requireAge } from './arguments.ts'
import type { Client } from './binding.ts'
import type { EndedOptions, LatchkeyClient } from './client.ts'
import { COOKIE, cookieValue } from './cookies.ts'
import type { Session } from './session.ts'

/** Options of `sessionMiddleware`. `Request` is what the framework hands to its middleware. */
export interface MiddlewareOptions<Request> {
  /** Name of the cookie with the token. Default: `__Host-sessionid`. */
  readonly cookie?: string
  /** Whether `Authorization: Bearer` may carry the token; it comes before the cookie. Default: false. */
  readonly bearer?: boolean
  /** Greatest age of an answer in whole seconds, 0 to 60. Default: 0, the session is asked. */
  readonly maxAge?: number
  /** Whether a request counts as the user's activity. Default: each does. */
  readonly touch?: boolean | ((request: Request) => boolean)
  /** Whose request it is. Default: as the framework tells. */
  readonly client?: (request: Request) => Client
  /** What is done with a request that cannot be checked: answered with 503, or handed on without a session. Default: 503. */
  readonly onUnavailable?: 503 | 'continue'
}

/** A time: a number of seconds, minutes, hours or days. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`

/** What a route asks of the session. */
export interface Requirement {
  /** Greatest age of the answer in whole seconds, 0 to 60. Default: as old as the middleware takes it. */
  readonly maxAge?: number
  /** How long ago the user may have signed in, such as `10m`. */
  readonly signedInWithin?: Duration
  /** Path of the sign-in page. Browsers that open a page are sent there, with `next`; others are answered 401. */
  readonly signInPage?: string
}

/** An answer of the middleware itself (RFC 9457). */
export interface Refusal {
  readonly status: 303 | 401 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a request brings. */
export interface Facts {
  readonly cookieHeader: string | null | undefined
  readonly authorization: string | null | undefined
  readonly client: Client
  /** Path and query, of a browser that opens a page; else null. */
  readonly page: string | null
}

/** One request, and what is known of its session. */
export interface Visit {
  check: Check
  readonly token: string | null
  readonly client: Client
  readonly page: string | null
  readonly ask: (maxAge: number) => Promise<Check>
  readonly ended: (options: EndedOptions) => AbortSignal
  readonly now: () => number
}

export const NO_STORE = 'no-store'
const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 }
const VISIT = Symbol.for('latchkey.visit')

/** The session of a request that went through `sessionMiddleware`; null for nobody's. */
export function sessionOf(request: object): Session | null {
  const check = visitOf(request)?.check
  return check?.state === 'active' ? check.session : null
}

/** The token that came with a request, whatever it is worth; null for none. Hand it on to nobody but Latchkey. */
export function tokenOf(request: object): string | null {
  return visitOf(request)?.token ?? null
}

/** The client that a request came from. */
export function clientOf(request: object): Client {
  return visitOf(request)?.client ?? { address: null, userAgent: null }
}

/** Whether a browser opens a page: its path and query, or null. */
export function pageOf(method: string | undefined, accept: string | null | undefined, url: string): string | null {
  if (method !== 'GET' || accept?.includes('text/html') !== true) return null
  return url.replace(/^https?:\/\/[^/]+/, '')
}

/** What `sessionMiddleware` found; undefined where it did not run. */
export function visitOf(carrier: object): Visit | undefined {
  return (carrier as { [VISIT]?: Visit })[VISIT]
}

/** `Vary` of an answer that depends on who asks. */
export function varyOf({ bearer = false }: { readonly bearer?: boolean }): string {
  return bearer ? 'Cookie, Authorization' : 'Cookie'
}

/** Checks a request once, and keeps with `carrier` what was found. Answers the refusal if that is to end it. */
export async function visit<Request extends object>(
  { sessions, now }: LatchkeyClient,
  options: MiddlewareOptions<Request>,
  request: Request,
  carrier: object,
  facts: Facts,
): Promise<Refusal | null> {
  const { cookie = COOKIE, bearer = false, touch = true, maxAge = 0, onUnavailable = 503 } = options
  const said = bearer ? /^Bearer +([^ ]+)$/i.exec(facts.authorization ?? '')?.[1] : undefined
  const token = said ?? cookieValue(facts.cookieHeader, cookie)
  const client = tidy(options.client?.(request) ?? facts.client)
  const how = { cookie, touch: typeof touch === 'function' ? touch(request) : touch, client }
  const ask = (age: number) => sessions.check(token, { ...how, maxAge: age })
  const ended = (options: EndedOptions) => sessions.ended(token, options)
  const found: Visit = { check: await ask(maxAge), token, client, page: facts.page, ask, ended, now }
  Object.defineProperty(carrier, VISIT, { value: found, configurable: true })
  return found.check.state === 'unavailable' && onUnavailable === 503 ? refusalOf(found.check) : null
}

/** Makes what decides for a route. Throws a `RangeError` for a requirement that makes no sense. */
export function requirement({
  maxAge,
  signedInWithin,
  signInPage,
}: Requirement): (carrier: object) => Promise<Refusal | null> {
  requireAge(maxAge)
  const seconds = signedInWithin === undefined ? null : secondsIn(signedInWithin)
  return async (carrier) => {
    const visit = visitOf(carrier)
    if (visit === undefined) throw new Error('requireSession needs sessionMiddleware before it.')
    if (maxAge !== undefined && visit.check.state === 'active' && visit.check.ageSeconds > maxAge) {
      visit.check = await visit.ask(maxAge)
    }
    const { check, page } = visit
    const signIn = signInPage === undefined || page === null ? null : redirect(signInPage, page)
    if (check.state !== 'active') return check.state === 'unavailable' ? refusalOf(check) : (signIn ?? refusalOf(check))
    if (seconds === null || visit.now() - Date.parse(check.session.openedAt) <= seconds * 1000) return null
    if (signIn !== null) return signIn
    // RFC 9470, section 3.
    const challenge = `Bearer realm="latchkey", error="insufficient_user_authentication", max_age=${seconds}`
    const body = { code: 'insufficient_user_authentication', title: 'Sign in again', max_age_seconds: seconds }
    return refuse(401, body, { 'www-authenticate': challenge })
  }
}

function secondsIn(duration: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(duration) ?? []
  if (count === undefined) throw new RangeError(`signedInWithin: ${duration} is no time such as 10m.`)
  return Number(count) * SECONDS[unit as keyof typeof SECONDS]
}

function refusalOf(check: Exclude<Check, { readonly state: 'active' }>): Refusal {
  switch (check.state) {
    case 'ended': {
      const { reason, endedAt } = check
      return refuse(401, { code: 'session_ended', title: 'The session has ended', reason, ended_at: endedAt })
    }
    case 'unauthenticated':
      return refuse(401, { code: 'unauthenticated', title: 'No valid session' })
    case 'unavailable': {
      const body = { code: 'unavailable', title: 'The session cannot be checked now' }
      return refuse(503, body, { 'retry-after': String(check.retryAfterSeconds) })
    }
  }
}

function redirect(signInPage: string, page: string): Refusal {
  const location = `${signInPage}?next=${encodeURIComponent(page)}`
  return { status: 303, headers: { location, 'cache-control': NO_STORE }, body: '' }
}

function refuse(
  status: 401 | 503,
  body: { readonly code: string; readonly title: string; readonly [member: string]: unknown },
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': NO_STORE,
      ...(status === 401 && { 'www-authenticate': 'Bearer realm="latchkey"' }),
      ...headers,
    },
    body: JSON.stringify({ type: 'about:blank', status, ...body }),
  }
}

/** What is no address, as a proxy may hand on, is not known. An IPv4 address in IPv6 is an IPv4 address. */
function tidy({ address, userAgent }: Client): Client {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, '') ?? ''
  return { address: /^(\d{1,3}(\.\d{1,3}){3}|[\da-f:]*:[\da-f:.]*)$/i.test(plain) ? plain : null, userAgent }
}

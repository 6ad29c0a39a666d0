/** Requests to the Worker as its clients send them. */
import { exports } from 'cloudflare:workers'
import { expect } from 'vitest'
import { keepSecret } from './secrets-shown.ts'
import { freshAddress, type TestUser } from './stores.ts'

/** One of the Worker's own origins. */
export const ORIGIN = 'http://127.0.0.1:8787'
/** A browser. */
export const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

export interface RequestOptions {
  /** Default: `GET`, with a body `POST`. */
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as a form. */
  readonly form?: Record<string, string>
  /** Sent as it is; name its type in `headers`. */
  readonly body?: BodyInit
  /** The client's address as Cloudflare tells it. Default: one of its own. */
  readonly address?: string
  readonly userAgent?: string
  /** A session token, sent as the cookie. */
  readonly cookie?: string
  /** A session token or a credential, sent as `Authorization: Bearer`. */
  readonly bearer?: string
  /** `Origin`. Default: the Worker's own, where a cookie or a body is sent; null for none. */
  readonly origin?: string | null
  /** What Cloudflare tells of the request, such as the city. */
  readonly cf?: Partial<IncomingRequestCfProperties>
}

/** Sends a request to a path of the Worker, which is reached as `ORIGIN`, or to a whole URL. */
export function send(path: string, options: RequestOptions = {}): Promise<Response> {
  return exports.default.fetch(requestFor(path, options))
}

/** The request that `send` sends. */
export function requestFor(path: string, options: RequestOptions = {}): Request {
  const { json, form, cookie, bearer, cf, address = freshAddress(), userAgent = USER_AGENT } = options
  const body = json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form) : options.body
  const method = options.method ?? (body === undefined ? 'GET' : 'POST')
  const headers = new Headers({ 'cf-connecting-ip': address, 'user-agent': userAgent })
  if (json !== undefined) headers.set('content-type', 'application/json')
  if (cookie !== undefined) headers.set('cookie', `sessionid=${cookie}`)
  if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`)
  const origin = options.origin === undefined && (cookie ?? body) !== undefined ? ORIGIN : options.origin
  if (origin !== undefined && origin !== null) headers.set('origin', origin)
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value)
  const init = { method, headers, redirect: 'manual', ...(body !== undefined && { body }), ...(cf && { cf }) } as const
  return new Request(new URL(path, ORIGIN), init as RequestInit)
}

/** A session that a user has opened, with its token. */
export interface TestSession {
  readonly id: string
  readonly token: string
  readonly user: TestUser
}

/** Signs a user in at the own API and expects it to succeed. */
export async function signIn(
  user: TestUser,
  options: RequestOptions & { readonly transport?: 'cookie' | 'bearer'; readonly persistent?: boolean } = {},
): Promise<TestSession> {
  const { transport = 'bearer', persistent = false, ...rest } = options
  const { username, password, address } = user
  const response = await send('/sessions', {
    address,
    ...rest,
    json: { username, password, transport, persistent },
  })
  const body = (await response.json()) as { id: string; token?: string }
  expect(response.status, JSON.stringify(body)).toBe(201)
  const token = transport === 'cookie' ? tokenInCookie(response) : body.token
  if (token === undefined || token === null) throw new Error('a session without a token')
  return { id: body.id, token, user }
}

/** Checks a session at the own API, from its user's address. */
export function check(session: TestSession, options: RequestOptions = {}): Promise<Response> {
  return send('/sessions/current', { address: session.user.address, bearer: session.token, ...options })
}

/** The session token that an answer sets as a cookie; null if it sets none. */
export function tokenInCookie(response: Response): string | null {
  const cookies = response.headers.getSetCookie().map((text) => /^(?:__Host-)?sessionid=([^;]*)/.exec(text)?.[1])
  const token = cookies.find((value) => value !== undefined && value !== '') ?? null
  if (token !== null) keepSecret(token)
  return token
}

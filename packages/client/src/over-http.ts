/** The client's methods over HTTP. */
import { requireAge } from './ages.ts'
import type { CallOptions, Sessions } from './client.ts'
import { LatchkeyError } from './error.ts'
import { type Patience, patiently, Unavailable } from './patience.ts'
import { type EndReason, type Session, sessionFrom } from './session.ts'
import { canBeToken, UNAUTHENTICATED } from './tokens.ts'
import { VERSION } from './version.ts'

interface Service {
  readonly baseUrl: string
  readonly credential?: string
  readonly fetch?: typeof fetch
}

/** A request. `body` is sent as JSON, or as a form. */
interface Asked extends CallOptions {
  readonly method: string
  readonly path: string
  /** Of `Authorization`. Default: the credential. */
  readonly bearer?: string | undefined
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | URLSearchParams
  readonly maxAge?: number | undefined
  /** Codes of problems that are no bug of the application. */
  readonly expected?: readonly string[]
  readonly retries?: number
}

/** A body as it came; its members are checked where that matters. */
interface Body {
  readonly code?: string
  readonly state?: string
  readonly session?: unknown
  readonly sessions?: readonly unknown[]
  readonly next_cursor?: string | null
  readonly token?: string
  readonly reason?: EndReason
  readonly ended_at?: string
  readonly ended?: number
  readonly title?: string
  readonly detail?: string
  readonly errors?: readonly { readonly field: string; readonly message: string }[]
  /** The scopes that the credential lacks. */
  readonly needed?: readonly string[]
  /** OAuth's code. */
  readonly error?: string
}

interface Answer {
  readonly headers: Headers
  readonly body: Body
}

type Failure = { readonly ok: false; readonly code: string }

const ON_TOKEN = ['unauthenticated', 'session_ended', 'wrong_token_kind']
const PAGE = 100

/** Answers the methods. */
export function overHttp(service: Service, patience: Patience): Sessions {
  const base = service.baseUrl.replace(/\/+$/, '')
  const send = service.fetch ?? fetch

  const call = async (asked: Asked): Promise<({ readonly ok: true } & Answer) | Failure> => {
    const { method, path, bearer = service.credential, body, maxAge = 0, expected = [], signal } = asked
    const form = body instanceof URLSearchParams
    const init = {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        'latchkey-client': VERSION,
        ...(body !== undefined && !form && { 'content-type': 'application/json' }),
        ...(maxAge > 0 && { 'cache-control': `max-age=${maxAge}` }),
        ...asked.headers,
      },
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
      redirect: 'manual',
    } as const
    const answer = await patiently<({ ok: true } & Answer) | Failure>(
      async (either) => {
        const response = await send(base + path, { ...init, signal: either })
        const { status, headers } = response
        if (status >= 500 || status === 429) {
          await response.body?.cancel()
          return new Unavailable(secondsOf(headers.get('retry-after')))
        }
        const text = await response.text()
        const answered: Body = text === '' ? {} : JSON.parse(text)
        if (response.ok) return { ok: true, headers, body: answered }
        return failureOf(response, answered, expected)
      },
      (thrown) => thrown instanceof LatchkeyError,
      { ...patience, retries: asked.retries ?? patience.retries, signal },
    )
    return answer instanceof Unavailable ? { ok: false, code: 'unavailable', ...answer } : answer
  }

  return {
    async check(token, { maxAge = 0, touch = true, client, cookie = 'sessionid', signal } = {}) {
      requireAge(maxAge)
      if (!canBeToken(token)) return { state: 'unauthenticated' }
      const answer =
        service.credential === undefined
          ? // As the browser itself would ask: only then is a cookie issued anew.
            await call({
              method: 'GET',
              path: `/sessions/current?touch=${touch}`,
              headers: { cookie: `${cookie}=${token}`, ...(client?.userAgent && { 'user-agent': client.userAgent }) },
              maxAge,
              expected: ON_TOKEN,
              signal,
            })
          : await call({
              method: 'POST',
              path: '/sessions/check',
              body: { token, touch, ...(client !== undefined && { client: wireClient(client) }) },
              maxAge,
              signal,
            })
      if (!answer.ok) {
        const { ok: _, code, ...rest } = answer
        return { state: code === 'session_ended' ? 'ended' : code, ...rest } as never
      }
      const { headers, body } = answer
      const {
        state,
        session,
        reason,
        ended_at: endedAt,
      } = service.credential === undefined ? { state: 'active', session: body } : body
      switch (state) {
        case 'active': {
          if (typeof session !== 'object' || session === null) break
          const ageSeconds = Number(headers.get('age') ?? 0)
          return { state, session: sessionFrom(session), ageSeconds, setCookies: headers.getSetCookie() }
        }
        case 'ended':
          return { state, reason: reason as EndReason, endedAt: endedAt as string }
        case 'unauthenticated':
          return { state }
      }
      throw new LatchkeyError('unexpected_answer', `state ${state}`)
    },
    async open({ userId, client, location, region, persistent, endSessions, signal }) {
      const body = {
        user_id: userId,
        client: wireClient(client),
        ...(location && { location: wirePlace(location) }),
        ...(region !== undefined && { region }),
        ...(persistent !== undefined && { persistent }),
        ...(endSessions !== undefined && { end_sessions: endSessions }),
      }
      const expected = ['user_not_found', 'user_disabled', 'conflict', 'session_limit_reached']
      const answer = await call({ method: 'POST', path: '/sessions', body, expected, retries: 0, signal })
      if (!answer.ok) return answer as never
      const { token, ...session } = answer.body
      return { ok: true, session: sessionFrom(session), token: token as string }
    },
    async end(token, { signal } = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const answer = await call(
        service.credential === undefined
          ? { method: 'DELETE', path: '/sessions/current', bearer: token, expected: ON_TOKEN, signal }
          : {
              method: 'POST',
              path: '/oauth2/revoke',
              body: new URLSearchParams({ token }),
              signal,
            },
      )
      return answer.ok ? { ok: true } : (answer as never)
    },
    async listOwn(token, { client, signal } = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const sessions: Session[] = []
      for (let cursor: string | undefined; ; ) {
        const answer = await call(
          service.credential === undefined
            ? {
                method: 'GET',
                path: `/sessions?limit=${PAGE}${cursor === undefined ? '' : `&cursor=${cursor}`}`,
                bearer: token,
                expected: ON_TOKEN,
                signal,
              }
            : {
                method: 'POST',
                path: '/sessions/list',
                body: { token, limit: PAGE, cursor, ...(client !== undefined && { client: wireClient(client) }) },
                signal,
              },
        )
        if (!answer.ok) return answer as never
        const { state, reason, ended_at: endedAt } = answer.body
        if (state === 'unauthenticated') return UNAUTHENTICATED
        if (state === 'ended') return { ok: false, code: 'session_ended', reason, endedAt } as never
        sessions.push(...(answer.body.sessions ?? []).map(sessionFrom))
        if (typeof answer.body.next_cursor !== 'string') return { ok: true, sessions }
        cursor = answer.body.next_cursor
      }
    },
    async endOwn(token, which, { signal } = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const path = which === 'others' ? '/sessions?except=current' : `/sessions/${encodeURIComponent(which)}`
      const expected = [...ON_TOKEN, 'session_not_found']
      const answer = await call({ method: 'DELETE', path, bearer: token, expected, signal })
      return answer.ok ? { ok: true, ended: answer.body.ended ?? 1 } : (answer as never)
    },
  }
}

function failureOf({ status, url, headers }: Response, body: Body, expected: readonly string[]): Failure {
  const { code = 'unexpected_answer', title, detail, errors, reason, ended_at: endedAt, sessions } = body
  // A genuine token of another kind, or of another identity store, is no session here.
  const foreign = code === 'wrong_token_kind' || body.error === 'unsupported_token_type' || body.needed?.length === 0
  if (foreign && (expected.includes(code) || body.error !== undefined)) return UNAUTHENTICATED
  if (!expected.includes(code)) {
    const wrong = errors?.map(({ field, message }) => `${field}: ${message}`).join(' ')
    const said = [title ?? `${url} answered ${status}.`, detail, wrong].filter(Boolean).join(' ')
    throw new LatchkeyError(code, said, status, headers.get('x-request-id'))
  }
  return {
    ok: false,
    code,
    ...(reason !== undefined && { reason }),
    ...(endedAt !== undefined && { endedAt }),
    ...(sessions !== undefined && { sessions: sessions.map(sessionFrom) }),
  }
}

function wireClient({ address, userAgent }: { readonly address: string | null; readonly userAgent: string | null }) {
  return { address, user_agent: userAgent }
}

function wirePlace({ timeZone, ...place }: object & { readonly timeZone?: string | null }) {
  return { ...place, ...(timeZone !== undefined && { time_zone: timeZone }) }
}

/** The seconds of a `Retry-After`, which may be a date. */
function secondsOf(header: string | null): number {
  const seconds = header === null ? 0 : Number(header)
  if (!Number.isNaN(seconds)) return seconds
  return Math.max(0, Math.ceil((Date.parse(header as string) - Date.now()) / 1000)) || 0
}

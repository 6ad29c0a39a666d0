/** The client's methods over HTTP. */
import { requireAge, requireKey } from './arguments.ts'
import type { CallOptions, Calls } from './client.ts'
import { LatchkeyError } from './error.ts'
import { type Failure, failed, ON_OPEN, ON_TOKEN, stateOf, UNAUTHENTICATED, wordsOf } from './failures.ts'
import { type Patience, patiently, RUNNING, unavailable } from './patience.ts'
import { type EndReason, fromWire, type Session, toWire } from './session.ts'
import { canBeToken } from './tokens.ts'
import { VERSION } from './version.ts'

interface Service {
  readonly baseUrl: string
  readonly credential?: string
  readonly fetch?: typeof fetch
}

/** A request. `body` is sent as JSON, with JSON's names, or as a form. */
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

/** A body as it came, with JavaScript's names; its members are checked where that matters. */
interface Body {
  readonly code?: string
  readonly state?: string
  readonly session?: Session
  readonly sessions?: readonly Session[]
  readonly nextCursor?: string | null
  readonly token?: string
  readonly reason?: EndReason
  readonly endedAt?: string
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

const PAGE = 100

/** Answers the methods. */
export function overHttp(service: Service, patience: Patience): Calls {
  const base = new URL(service.baseUrl).href.replace(/\/+$/, '')
  const send = service.fetch ?? fetch

  const call = async (asked: Asked): Promise<({ readonly ok: true } & Answer) | Failure> => {
    const { method, path, bearer = service.credential, body, maxAge = 0, expected = [], signal } = asked
    const sent = body instanceof URLSearchParams ? body : body && JSON.stringify(toWire(body))
    const init = {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        'latchkey-client': VERSION,
        ...(typeof sent === 'string' && { 'content-type': 'application/json' }),
        ...(maxAge > 0 && { 'cache-control': `max-age=${maxAge}` }),
        ...asked.headers,
      },
      body: sent ?? null,
      redirect: 'manual',
    } as const
    return patiently<({ ok: true } & Answer) | Failure>(
      async (either) => {
        const response = await send(base + path, { ...init, signal: either })
        const { status, headers } = response
        if (status >= 500 || status === 429) {
          await response.body?.cancel()
          return unavailable(secondsOf(headers.get('retry-after')))
        }
        const text = await response.text()
        const answered = (text === '' ? {} : fromWire(JSON.parse(text))) as Body
        if (response.ok) return { ok: true, headers, body: answered }
        if (answered.code === RUNNING) return unavailable()
        return failureOf(response, answered, expected)
      },
      { ...patience, retries: asked.retries ?? patience.retries, signal },
    )
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
              body: { token, touch, client },
              maxAge,
              signal,
            })
      if (!answer.ok) return stateOf(answer)
      const { state, session, reason, endedAt }: Body =
        service.credential === undefined ? { state: 'active', session: answer.body as Session } : answer.body
      switch (state) {
        case 'active': {
          if (typeof session !== 'object' || session === null) break
          const { headers } = answer
          return { state, session, ageSeconds: Number(headers.get('age')), setCookies: headers.getSetCookie() }
        }
        case 'ended':
          return { state, reason: reason as EndReason, endedAt: endedAt as string }
        case 'unauthenticated':
          return { state }
      }
      throw new LatchkeyError('unexpected_answer', `state ${state}`)
    },
    async open({ idempotencyKey, signal, ...body }) {
      requireKey(idempotencyKey)
      const answer = await call({
        method: 'POST',
        path: '/sessions',
        body,
        expected: ON_OPEN,
        ...(idempotencyKey === undefined ? { retries: 0 } : { headers: { 'idempotency-key': `"${idempotencyKey}"` } }),
        signal,
      })
      if (!answer.ok) return answer as never
      const { token, ...session } = answer.body
      return { ok: true, session: session as Session, token: token as string }
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
                body: { token, limit: PAGE, cursor, client },
                signal,
              },
        )
        if (!answer.ok) return answer as never
        const { state, sessions: page = [], nextCursor } = answer.body
        if (state === 'unauthenticated') return UNAUTHENTICATED
        if (state === 'ended') return failed('session_ended', answer.body) as never
        sessions.push(...page)
        if (typeof nextCursor !== 'string') return { ok: true, sessions }
        cursor = nextCursor
      }
    },
    async endOwn(token, which, { signal } = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const path = `/sessions${which === 'others' ? '?except=current' : `/${encodeURIComponent(which)}`}`
      const expected = [...ON_TOKEN, 'session_not_found']
      const answer = await call({ method: 'DELETE', path, bearer: token, expected, signal })
      return answer.ok ? { ok: true, ended: answer.body.ended ?? 1 } : (answer as never)
    },
  }
}

function failureOf({ status, url, headers }: Response, body: Body, expected: readonly string[]): Failure {
  const { code = 'unexpected_answer', title, detail, errors } = body
  // A genuine token of another kind, or of another identity store, is no session here.
  const foreign = code === 'wrong_token_kind' || body.error === 'unsupported_token_type' || body.needed?.length === 0
  if (foreign && (expected.includes(code) || body.error !== undefined)) return UNAUTHENTICATED
  if (!expected.includes(code)) {
    const said = [title ?? `${url} answered ${status}.`, detail, wordsOf(errors)].filter(Boolean).join(' ')
    throw new LatchkeyError(code, said, status, headers.get('x-request-id'))
  }
  return failed(code, body)
}

/** The seconds of a `Retry-After`, which may be a date; not above zero for now, or for none. */
function secondsOf(header: string | null): number {
  return Number(header) || Math.ceil((Date.parse(header as string) - Date.now()) / 1000) || 0
}

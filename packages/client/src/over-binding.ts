/** The client's methods over a service binding. */
import { requireAge } from './ages.ts'
import type { BindingError, BindingResult, SessionsBinding } from './binding.ts'
import type { CallOptions, Sessions } from './client.ts'
import { LatchkeyError } from './error.ts'
import { type Patience, patiently, Unavailable } from './patience.ts'
import { sessionFrom } from './session.ts'
import { canBeToken, UNAUTHENTICATED } from './tokens.ts'

type Failure = { readonly ok: false; readonly code: string }

/** Answers the methods. */
export function overBinding(binding: SessionsBinding, patience: Patience): Sessions {
  const call = async <T>(
    ask: () => Promise<BindingResult<T>>,
    { signal }: CallOptions,
    expected: readonly string[],
    retries = patience.retries,
  ): Promise<{ readonly ok: true; readonly value: T } | Failure> => {
    const answer = await patiently(
      async () => {
        const result = await ask()
        if (!result.ok && result.error.code === 'unavailable') return new Unavailable(result.error.retryAfterSeconds)
        return result
      },
      () => false,
      { ...patience, retries, signal },
    )
    if (answer instanceof Unavailable) return { ok: false, code: 'unavailable', ...answer }
    return answer.ok ? answer : failureOf(answer.error, expected)
  }
  const onToken = ['unauthenticated', 'session_ended']
  return {
    async check(token, { maxAge = 0, touch = true, client, ...options } = {}) {
      requireAge(maxAge)
      if (!canBeToken(token)) return { state: 'unauthenticated' }
      const input = { token, touch, maxAgeSeconds: maxAge, ...(client !== undefined && { client }) }
      const answer = await call(() => binding.check(input), options, onToken)
      if (answer.ok) {
        return { state: 'active', session: sessionFrom(answer.value), ageSeconds: maxAge, setCookies: [] }
      }
      const { ok: _, code, ...rest } = answer
      return { state: code === 'session_ended' ? 'ended' : code, ...rest } as never
    },
    async open({ signal, ...input }) {
      const expected = ['user_not_found', 'user_disabled', 'conflict', 'session_limit_reached']
      const answer = await call(() => binding.open(input), { signal }, expected, 0)
      if (!answer.ok) return answer as never
      const { token, ...session } = answer.value
      return { ok: true, session: sessionFrom(session), token }
    },
    async end(token, options = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const answer = await call(() => binding.end({ token }), options, onToken)
      return answer.ok ? { ok: true } : (answer as never)
    },
    async listOwn(token, { client, ...options } = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const input = { token, ...(client !== undefined && { client }) }
      const answer = await call(() => binding.listOwn(input), options, onToken)
      return answer.ok ? { ok: true, sessions: answer.value.sessions.map(sessionFrom) } : (answer as never)
    },
    async endOwn(token, which, options = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const ask = () => binding.endOwn({ token, sessions: which })
      const answer = await call(ask, options, [...onToken, 'session_not_found'])
      return answer.ok ? { ok: true, ended: answer.value.ended } : (answer as never)
    },
  }
}

function failureOf(error: BindingError, expected: readonly string[]): Failure {
  const { code } = error
  // A genuine token of another kind is no session here.
  if (code === 'wrong_token_kind') return UNAUTHENTICATED
  if (!expected.includes(code)) throw new LatchkeyError(code, messageOf(error))
  return {
    ok: false,
    code,
    ...(error.reason !== undefined && { reason: error.reason }),
    ...(error.endedAt !== undefined && { endedAt: new Date(error.endedAt).toISOString() }),
    ...(error.sessions !== undefined && { sessions: error.sessions.map(sessionFrom) }),
  }
}

function messageOf({ issues, detail }: BindingError): string {
  return issues?.map(({ field, message }) => `${field}: ${message}`).join(' ') ?? detail ?? 'refused'
}

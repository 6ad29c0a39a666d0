/** The client's methods over a service binding. */
import { requireAge, requireKey } from './arguments.ts'
import type { BindingError, BindingResult, SessionsBinding } from './binding.ts'
import type { CallOptions, Calls } from './client.ts'
import { LatchkeyError } from './error.ts'
import { type Failure, failed, ON_OPEN, ON_TOKEN, stateOf, UNAUTHENTICATED, wordsOf } from './failures.ts'
import { isUnavailable, type Patience, patiently, RUNNING, unavailable } from './patience.ts'
import { sessionFrom } from './session.ts'
import { canBeToken } from './tokens.ts'

/** Answers the methods. */
export function overBinding(binding: SessionsBinding, patience: Patience): Calls {
  const call = async <T>(
    ask: () => Promise<BindingResult<T>>,
    { signal }: CallOptions,
    expected: readonly string[],
    retries = patience.retries,
  ): Promise<{ readonly ok: true; readonly value: T } | Failure> => {
    const answer = await patiently(
      async () => {
        const result = await ask()
        // What is running has been asked before, and will have an answer.
        if (!result.ok && ['unavailable', RUNNING].includes(result.error.code)) {
          return unavailable(result.error.retryAfterSeconds)
        }
        return result
      },
      { ...patience, retries, signal },
    )
    return answer.ok || isUnavailable(answer) ? answer : failureOf(answer.error, expected)
  }
  return {
    async check(token, { maxAge = 0, touch = true, client, ...options } = {}) {
      requireAge(maxAge)
      if (!canBeToken(token)) return { state: 'unauthenticated' }
      const answer = await call(() => binding.check({ token, touch, maxAgeSeconds: maxAge, client }), options, ON_TOKEN)
      if (answer.ok) {
        return { state: 'active', session: sessionFrom(answer.value), ageSeconds: maxAge, setCookies: [] }
      }
      return stateOf(answer)
    },
    async open({ signal, ...input }) {
      requireKey(input.idempotencyKey)
      const retries = input.idempotencyKey === undefined ? 0 : patience.retries
      const answer = await call(() => binding.open(input), { signal }, ON_OPEN, retries)
      if (!answer.ok) return answer as never
      const { token, ...session } = answer.value
      return { ok: true, session: sessionFrom(session), token }
    },
    async end(token, options = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const answer = await call(() => binding.end({ token }), options, ON_TOKEN)
      return answer.ok ? { ok: true } : (answer as never)
    },
    async listOwn(token, { client, ...options } = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const answer = await call(() => binding.listOwn({ token, client }), options, ON_TOKEN)
      return answer.ok ? { ok: true, sessions: answer.value.sessions.map(sessionFrom) } : (answer as never)
    },
    async endOwn(token, which, options = {}) {
      if (!canBeToken(token)) return UNAUTHENTICATED
      const ask = () => binding.endOwn({ token, sessions: which })
      const answer = await call(ask, options, [...ON_TOKEN, 'session_not_found'])
      return answer.ok ? { ok: true, ended: answer.value.ended } : (answer as never)
    },
  }
}

function failureOf(error: BindingError, expected: readonly string[]): Failure {
  const { code } = error
  // A genuine token of another kind is no session here.
  if (code === 'wrong_token_kind') return UNAUTHENTICATED
  const { reason, endedAt, sessions, issues, detail = 'refused' } = error
  if (!expected.includes(code)) throw new LatchkeyError(code, wordsOf(issues) ?? detail)
  return failed(code, {
    reason,
    endedAt: endedAt === undefined ? endedAt : new Date(endedAt).toISOString(),
    sessions: sessions?.map(sessionFrom),
  })
}

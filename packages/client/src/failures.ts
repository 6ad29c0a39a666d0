/** Failures that are expected, as the methods answer them. */
import type { EndReason, Session } from './session.ts'

export type Failure = { readonly ok: false; readonly code: string }

/** What is answered of a token that is none. */
export const UNAUTHENTICATED = { ok: false, code: 'unauthenticated' } as const

/** What may be said of a token. */
export const ON_TOKEN = ['unauthenticated', 'session_ended', 'wrong_token_kind']

/** What may become of an opening. */
export const ON_OPEN = ['user_not_found', 'user_disabled', 'conflict', 'session_limit_reached']

/** A failure with what is known of it. */
export function failed(
  code: string,
  {
    reason,
    endedAt,
    sessions,
  }: {
    readonly reason?: EndReason | undefined
    readonly endedAt?: string | undefined
    readonly sessions?: readonly Session[] | undefined
  },
): Failure {
  return { ok: false, code, ...(reason && { reason, endedAt }), ...(sessions && { sessions }) }
}

/** The same as a check answers it. */
export function stateOf({ ok: _, code, ...rest }: Failure) {
  return { state: code === 'session_ended' ? 'ended' : code, ...rest } as never
}

/** What is wrong with the fields of an input. */
export function wordsOf(
  issues: readonly { readonly field: string; readonly message: string }[] | undefined,
): string | undefined {
  return issues?.map(({ field, message }) => `${field}: ${message}`).join(' ')
}

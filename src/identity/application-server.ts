/**
 * The application server: another system with a database of its own, which checks some users' passwords and
 * keeps a copy of the profile. The contract is docs/application-server.md. What it answers is not trusted:
 * anything that does not fit the contract is a fault.
 */

import type { SessionError } from '../domain/errors.ts'
import type { ProfileChanges, RemoteProfile } from '../domain/profile.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { cutText } from '../domain/text.ts'
import {
  CALL_LINE_TIMEOUT_MILLISECONDS,
  CALL_SLACK_MILLISECONDS,
  MAX_DETAIL_LENGTH,
  MAX_PROFILE_TEXT_LENGTH,
  RETRY_AFTER_SECONDS,
} from '../limits.ts'
import type { ApplicationServerSettings } from '../settings.ts'
import { logUnavailable, within } from '../time-limit.ts'
import type { ApplicationServerCalls, Reply } from './application-server-calls.ts'
import type { Asker } from './fair-queue.ts'

/** What kept the application server from doing what it was asked. */
export type ApplicationServerFault =
  /** It said no, or something that makes no sense. Nothing was changed. */
  | { readonly code: 'refused'; readonly detail: string }
  /** It was not called: it is not configured, or too many calls are under way. */
  | { readonly code: 'not_sent' }
  /** It was not reached. Nothing was changed. */
  | { readonly code: 'unreachable' }
  /** It did not answer in time. */
  | { readonly code: 'timed_out' }

/** Of an update: it may have been applied, or may still be. `nonsense`: it was answered, and the answer fits no contract. */
export interface UnknownOutcome {
  readonly code: 'unknown' | 'nonsense'
}
/** Of an update: the profile has another version than the one that the change was made for. Nothing was changed. */
export interface VersionConflict {
  readonly code: 'version_conflict'
}

export class ApplicationServer {
  private readonly calls: DurableObjectNamespace<ApplicationServerCalls>
  private readonly settings: ApplicationServerSettings

  constructor(calls: DurableObjectNamespace<ApplicationServerCalls>, settings: ApplicationServerSettings) {
    this.calls = calls
    this.settings = settings
  }

  /** Whether it says that this is the user's password. A fault says nothing of the password: it was not heard. */
  async authenticate(
    username: string,
    password: string,
    asker: Asker,
  ): Promise<Result<boolean, ApplicationServerFault>> {
    const answer = await this.call(asker, 'POST', 'v1/authenticate', { username, password })
    if (!answer.ok) return answer
    const fault = faultOf(answer.value)
    if (fault !== null) return fail(fault)
    const { authenticated } = members(answer.value.body)
    return typeof authenticated === 'boolean' ? ok(authenticated) : fail(NONSENSE)
  }

  /** A user's profile; null if it does not know the user. Changes nothing. */
  async readProfile(username: string, asker: Asker): Promise<Result<RemoteProfile | null, ApplicationServerFault>> {
    const answer = await this.call(asker, 'GET', profilePath(username))
    if (!answer.ok) return answer
    if (answer.value.status === 404) return ok(null)
    const fault = faultOf(answer.value)
    if (fault !== null) return fail(fault)
    const profile = profileIn(answer.value.body)
    return profile === null ? fail(NONSENSE) : ok(profile)
  }

  /**
   * Changes a profile that has `version`, once per key however often it is sent, and answers what it is then.
   * A lost answer is not a refusal: `unknown`.
   */
  async updateProfile(
    username: string,
    changes: ProfileChanges,
    idempotencyKey: string,
    version: number,
    asker: Asker,
  ): Promise<Result<RemoteProfile, ApplicationServerFault | UnknownOutcome | VersionConflict>> {
    if (version >= Number.MAX_SAFE_INTEGER) return fail(LAST_VERSION)
    const answer = await this.call(asker, 'PATCH', profilePath(username), wireProfile(changes), {
      'idempotency-key': idempotencyKey,
      'if-match': `"${version}"`,
    })
    if (!answer.ok) return answer.error.code === 'not_sent' ? answer : fail({ code: 'unknown' })
    const { status, body } = answer.value
    if (status === 412) return fail({ code: 'version_conflict' })
    const fault = faultOf(answer.value)
    // By the contract 503 says that nothing was done; any other error of the server says nothing.
    if (fault !== null) return fail(status >= 500 && status !== 503 ? { code: 'unknown' } : fault)
    const profile = profileIn(body)
    return profile === null || profile.version <= version ? fail({ code: 'nonsense' }) : ok(profile)
  }

  private async call(
    asker: Asker,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Result<Answer, ApplicationServerFault>> {
    const { isConfigured, timeoutMilliseconds } = this.settings
    if (!isConfigured) {
      logUnavailable('application server', 'not configured')
      return fail({ code: 'not_sent' })
    }
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const call = {
      method,
      path,
      headers: { ...json, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      asker,
    }
    const object = this.calls.get(this.calls.idFromName('application-server'))
    const limit = CALL_LINE_TIMEOUT_MILLISECONDS + timeoutMilliseconds + CALL_SLACK_MILLISECONDS
    const answer = await within(limit, 'application server', async () => object.send(call))
    if (!answer.ok) return fail({ code: 'unreachable' })
    return answer.value.ok ? ok({ status: answer.value.value.status, body: parse(answer.value.value) }) : answer.value
  }
}

/** A fault as the callers of our APIs are told. */
export function unavailableBecause(fault: ApplicationServerFault): SessionError {
  const what = 'application server'
  switch (fault.code) {
    case 'refused':
      return {
        code: 'unavailable',
        what,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
        because: 'refused',
        detail: fault.detail,
      }
    case 'not_sent':
    case 'unreachable':
      return { code: 'unavailable', what, retryAfterSeconds: RETRY_AFTER_SECONDS }
    case 'timed_out':
      return { code: 'unavailable', what, retryAfterSeconds: RETRY_AFTER_SECONDS, because: 'timed_out' }
  }
}

interface Answer {
  readonly status: number
  /** Undefined if it was not JSON. */
  readonly body: unknown
}

const NONSENSE = { code: 'refused', detail: 'Its answer does not fit the contract.' } as const
const LAST_VERSION = { code: 'refused', detail: 'The version of its profile cannot grow any more.' } as const

function faultOf({
  status,
  body,
}: Answer): Extract<ApplicationServerFault, { code: 'refused' | 'unreachable' }> | null {
  if (status === 200) return null
  if (status >= 500) return { code: 'unreachable' }
  const { detail } = members(body)
  const said =
    typeof detail === 'string' ? cutText(detail.toWellFormed().replace(/\p{Cc}/gu, ' '), MAX_DETAIL_LENGTH) : ''
  return { code: 'refused', detail: said === '' ? `It answered ${status}.` : said }
}

function profilePath(username: string): string {
  return `v1/users/${encodeURIComponent(username)}/profile`
}

function profileIn(body: unknown): RemoteProfile | null {
  const { version, first_name: firstName, last_name: lastName, email_address: emailAddress } = members(body)
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) return null
  if (!isText(firstName) || !isText(lastName) || !isText(emailAddress)) return null
  return { version, firstName, lastName, emailAddress }
}

function wireProfile({ firstName, lastName, emailAddress }: ProfileChanges): Record<string, unknown> {
  return { first_name: firstName, last_name: lastName, email_address: emailAddress }
}

/** Text that fits our column and can be shown, or none. */
function isText(value: unknown): value is string | null {
  return (
    value === null ||
    (typeof value === 'string' && value.length <= MAX_PROFILE_TEXT_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(value))
  )
}

function members(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {}
}

function parse({ text }: Reply): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

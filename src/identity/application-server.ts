/**
 * The application server: another system with a database of its own, which checks some users' passwords and
 * keeps a copy of the profile. The contract is docs/application-server.md. What it answers is not trusted:
 * anything that does not fit the contract is a fault.
 */
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { ApplicationServerSettings } from '../env.ts'
import type { Profile, ProfileChanges } from '../store/profiles.ts'

/** A profile as the application server has it. */
export interface RemoteProfile extends Profile {
  /** Grows with every change there, whoever makes it. */
  readonly version: number
}

/** What kept the application server from doing what it was asked. */
export type ApplicationServerFault =
  /** It said no, or something that makes no sense. Nothing was changed. */
  | { readonly code: 'refused'; readonly detail: string }
  /** It was not reached. Nothing was changed. */
  | { readonly code: 'unreachable' }
  /** It did not answer in time. */
  | { readonly code: 'timed_out' }

/** Of an update: it may have been applied, or may still be; only the profile's version will tell. */
export interface UnknownOutcome {
  readonly code: 'unknown'
}
/** Of an update: the profile has another version than the one that the change was made for. Nothing was changed. */
export interface VersionConflict {
  readonly code: 'version_conflict'
}

/** Longest explanation of a refusal that is passed on, in characters. */
const MAX_DETAIL_LENGTH = 200
/** Host of requests over a service binding, where no name is looked up. */
const BINDING_BASE = 'http://application-server'

export class ApplicationServer {
  private readonly binding: Fetcher | undefined
  private readonly settings: ApplicationServerSettings

  constructor(binding: Fetcher | undefined, settings: ApplicationServerSettings) {
    this.binding = binding
    this.settings = settings
  }

  /** Whether it says that this is the user's password. */
  async authenticate(username: string, password: string): Promise<Result<boolean, ApplicationServerFault>> {
    const answer = await this.call('POST', 'v1/authenticate', { username, password })
    if (!answer.ok) return answer
    const fault = faultOf(answer.value)
    if (fault !== null) return fail(fault)
    const { authenticated } = members(answer.value.body)
    return typeof authenticated === 'boolean' ? ok(authenticated) : fail(NONSENSE)
  }

  /** A user's profile; null if it does not know the user. Changes nothing. */
  async readProfile(username: string): Promise<Result<RemoteProfile | null, ApplicationServerFault>> {
    const answer = await this.call('GET', profilePath(username))
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
  ): Promise<Result<RemoteProfile, ApplicationServerFault | UnknownOutcome | VersionConflict>> {
    const answer = await this.call('PATCH', profilePath(username), wireProfile(changes), {
      'idempotency-key': idempotencyKey,
      'if-match': `"${version}"`,
    })
    if (!answer.ok) return answer.error.code === 'unreachable' && !this.isConfigured ? answer : fail(UNKNOWN)
    const { status, body } = answer.value
    if (status === 412) return fail({ code: 'version_conflict' })
    const fault = faultOf(answer.value)
    // By the contract 503 says that nothing was done; any other error of the server says nothing.
    if (fault !== null) return fail(status >= 500 && status !== 503 ? UNKNOWN : fault)
    const profile = profileIn(body)
    return profile === null ? fail(UNKNOWN) : ok(profile)
  }

  private get isConfigured(): boolean {
    return this.settings.secret !== null && (this.binding !== undefined || this.settings.url !== null)
  }

  private async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Result<Reply, ApplicationServerFault>> {
    const { url, secret, timeoutMilliseconds } = this.settings
    if (!this.isConfigured) {
      console.warn('unavailable', { what: 'application server', error: 'not configured' })
      return fail({ code: 'unreachable' })
    }
    const limit = new AbortController()
    const late = scheduler.wait(timeoutMilliseconds, { signal: limit.signal }).then(() => null)
    const request = new AbortController()
    const init: RequestInit = {
      method,
      redirect: 'manual',
      signal: request.signal,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    const target = `${(this.binding === undefined ? (url ?? '') : BINDING_BASE).replace(/\/$/, '')}/${path}`
    try {
      const reply = await Promise.race([this.exchange(target, init), late])
      if (reply !== null) return ok(reply)
      request.abort()
      return fail({ code: 'timed_out' })
    } catch (error) {
      console.warn('unavailable', { what: 'application server', error: String(error) })
      return fail({ code: 'unreachable' })
    } finally {
      limit.abort()
      late.catch(() => undefined)
    }
  }

  private async exchange(target: string, init: RequestInit): Promise<Reply> {
    const response = await (this.binding === undefined ? fetch(target, init) : this.binding.fetch(target, init))
    const text = await response.text()
    return { status: response.status, body: parse(text) }
  }
}

/** A fault as the callers of our APIs are told. */
export function unavailableBecause(fault: ApplicationServerFault): SessionError {
  const what = 'application server'
  switch (fault.code) {
    case 'refused':
      return { code: 'unavailable', what, retryAfterSeconds: 5, because: 'refused', detail: fault.detail }
    case 'unreachable':
      return { code: 'unavailable', what, retryAfterSeconds: 5 }
    case 'timed_out':
      return { code: 'unavailable', what, retryAfterSeconds: 5, because: 'timed_out' }
  }
}

interface Reply {
  readonly status: number
  /** Undefined if it was not JSON. */
  readonly body: unknown
}

const NONSENSE = { code: 'refused', detail: 'Its answer does not fit the contract.' } as const
const UNKNOWN = { code: 'unknown' } as const

function faultOf({ status, body }: Reply): Exclude<ApplicationServerFault, { code: 'timed_out' }> | null {
  if (status === 200) return null
  if (status >= 500) return { code: 'unreachable' }
  const { detail } = members(body)
  const said = typeof detail === 'string' ? detail.replace(/\p{Cc}/gu, ' ').slice(0, MAX_DETAIL_LENGTH) : ''
  return { code: 'refused', detail: said === '' ? `It answered ${status}.` : said }
}

function profilePath(username: string): string {
  return `v1/users/${encodeURIComponent(username)}/profile`
}

function profileIn(body: unknown): RemoteProfile | null {
  const { version, first_name: firstName, last_name: lastName, email_address: emailAddress } = members(body)
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) return null
  if (!isText(firstName) || !isText(lastName) || !isText(emailAddress)) return null
  return { version, firstName, lastName, emailAddress }
}

function wireProfile({ firstName, lastName, emailAddress }: ProfileChanges): Record<string, unknown> {
  return { first_name: firstName, last_name: lastName, email_address: emailAddress }
}

/** Text that fits our column, or none. */
function isText(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= 254)
}

function members(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {}
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

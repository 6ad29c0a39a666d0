/**
 * Latchkey's own API for Workers of the same account, over a service binding. What a caller may do is in its binding's
 * `props`; without them it may do nothing. Failures come back as values.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { auditEntry } from './api/audit.ts'
import { callOnce } from './api/idempotency.ts'
import { parseValue } from './api/parse.ts'
import { sessionBody } from './api/session-body.ts'
import {
  BindingProps,
  CheckInput,
  EndOwnInput,
  ListOwnInput,
  OpenInput,
  type Opening,
  TokenInput,
} from './api/sessions/binding-schemas.ts'
import type { Scope } from './auth/scopes.ts'
import type { SessionError } from './domain/errors.ts'
import { fail, ok, type Result } from './domain/result.ts'
import { SESSION_ID_PATTERN } from './domain/session-id.ts'
import type { Env } from './env.ts'
import { eventStream } from './http/event-stream.ts'
import { RETRY_AFTER_SECONDS, STREAM_BEAT_MILLISECONDS } from './limits.ts'
import { logContext } from './log.ts'
import { servicesOf } from './services.ts'
import { endOnRecord } from './sessions/recorded-end.ts'
import type { Sessions, VerifiedToken } from './sessions/service.ts'
import { requireSettings } from './settings.ts'
import { findUser } from './store/users.ts'

type Body = ReturnType<typeof sessionBody>

/** A failure as a bound Worker is told it: the sessions in it are in the form of every answer. */
type BindingError =
  | Exclude<SessionError, { readonly code: 'session_limit_reached' }>
  | { readonly code: 'session_limit_reached'; readonly sessions: readonly Body[] }

/** What a bound Worker may call. */
export class SessionsEntrypoint extends WorkerEntrypoint<Env> {
  /**
   * Checks a session token. `client` is the end user's; without it the session keeps the one that it is known by.
   * `maxAgeSeconds` (0 to 60) accepts an answer that old; `touch: false` does not count as activity. Errors: `unauthenticated`, `session_ended`, `forbidden`, `invalid_request`, `unavailable`.
   */
  async check(input: unknown): Promise<Result<Body, SessionError>> {
    const verified = await this.holder('sessions:introspect', () => parseValue(input, CheckInput))
    if (!verified.ok) return verified
    const { holder, asked } = verified.value
    const { token: _, ...how } = asked
    const options = { ...how, cookie: false, requestId: crypto.randomUUID() }
    const check = await this.sessions.check(holder, options, Date.now())
    return check.ok ? ok(sessionBody(check.value.checked, check.value.checked.session.id)) : check
  }

  /**
   * Opens a session for a user that the caller has verified, and answers it with its token. `region`: where the user's
   * sessions are to be kept; it counts for a user of whom nothing is kept yet. `idempotencyKey`: called again with it and
   * the same input within 24 hours, it answers the same.
   * Errors: `user_not_found`, `user_disabled`, `conflict` (a bot, or the user was changed at the same time), `session_limit_reached`, `idempotency_key_reused`,
   * `idempotent_request_running`, `forbidden`, `invalid_request`, `unavailable`.
   */
  async open(input: unknown): Promise<Result<Body & { readonly token: string }, BindingError>> {
    const opened = await inRequest((requestId) => this.opened(input, requestId))
    return opened.ok ? opened : fail(told(opened.error))
  }

  /** Ends the session of a token; ending twice is ending once. Errors: `unauthenticated`, `forbidden`, `invalid_request`, `unavailable`. */
  async end(input: unknown): Promise<Result<void, SessionError>> {
    return inRequest((requestId) => this.ended(input, requestId))
  }

  private async opened(
    input: unknown,
    requestId: string,
  ): Promise<Result<Body & { readonly token: string }, SessionError>> {
    const caller = this.caller('sessions:open')
    if (!caller.ok) return caller
    const parsed = parseValue(input, OpenInput)
    if (!parsed.ok) return parsed
    if ((await this.services.jurisdiction.look(Date.now())) !== null) {
      return fail({ code: 'unavailable', what: 'sessions', retryAfterSeconds: RETRY_AFTER_SECONDS })
    }
    const { identityStoreId } = caller.value
    const { idempotencyKey, ...asked } = parsed.value
    const act = () => this.openFor(identityStoreId, asked, requestId)
    if (idempotencyKey === null) return act()
    const about = [`service_binding:${identityStoreId}`, 'open', idempotencyKey]
    return callOnce(this.services, { about, input: JSON.stringify(input), now: Date.now() }, act)
  }

  private async openFor(
    identityStoreId: string,
    { userId, ...asked }: Opening,
    requestId: string,
  ): Promise<Result<Body & { readonly token: string }, SessionError>> {
    const owner = { identityStoreId, userId }
    const by = { caller: 'service_binding', requestId }
    const user = await findUser(this.services.db, owner)
    if (!user.ok) return user
    if (user.value === null) return fail({ code: 'user_not_found' })
    const opened = await this.sessions.openForVerifiedUser(
      owner,
      { ...asked, by },
      {
        bot: user.value.user.bot,
        rules: user.value.rules,
      },
    )
    if (!opened.ok) return opened
    const { token, ...view } = opened.value
    return ok({ ...sessionBody(view, view.session.id), token })
  }

  private async ended(input: unknown, requestId: string): Promise<Result<void, SessionError>> {
    const verified = await this.holder('sessions:revoke', () => parseValue(input, TokenInput))
    if (!verified.ok) return verified
    const { holder, identityStoreId } = verified.value
    const by = { caller: 'service_binding', requestId }
    const { sessionId } = holder.token
    const context = { now: Date.now(), requestId, actor: by.caller }
    const entry = auditEntry(context, identityStoreId, 'session.ended', `session:${sessionId}`)
    const ended = await endOnRecord(this.services.db, entry, { session_ids: [sessionId] }, () =>
      this.sessions.endByToken(holder, 'revoked', by),
    )
    return ended.ok ? ok() : ended
  }

  /**
   * The live sessions of a token's user, newest first. `client` is the end user's. Counts as activity. Errors: as for
   * `check`.
   */
  async listOwn(input: unknown): Promise<Result<{ readonly sessions: readonly Body[] }, SessionError>> {
    const verified = await this.holder('sessions:introspect', () => parseValue(input, ListOwnInput))
    if (!verified.ok) return verified
    const { holder, asked } = verified.value
    const page = { before: null, limit: Infinity }
    const list = await inRequest(() => this.sessions.listOwn(holder, asked.client, page, Date.now()))
    if (!list.ok) return list
    const { current, sessions } = list.value
    return ok({ sessions: sessions.map((view) => sessionBody(view, current.session.id)).reverse() })
  }

  /**
   * Ends one of the sessions of a token's user, by its id, or all `others`; answers how many ended now. Errors: as for
   * `check`; `session_not_found`.
   */
  async endOwn(input: unknown): Promise<Result<{ readonly ended: number }, SessionError>> {
    const verified = await this.holder('sessions:revoke', () => parseValue(input, EndOwnInput))
    if (!verified.ok) return verified
    const { holder, asked } = verified.value
    const others = asked.sessions === 'others'
    if (!others && !SESSION_ID_PATTERN.test(asked.sessions)) return fail({ code: 'session_not_found' })
    const which = others ? ('others' as const) : { sessionId: asked.sessions }
    const ended = await inRequest((requestId) => this.sessions.endOwn(holder, which, requestId, Date.now()))
    return ended.ok ? ok({ ended: ended.value.length }) : ended
  }

  /**
   * Tells when the session of a token ends: server-sent events, as `GET /sessions/current/events` has them. Not activity.
   * Errors: as for `check`; `conflict` where the session has as many streams as it may.
   */
  async events(input: unknown): Promise<Result<ReadableStream<Uint8Array>, SessionError>> {
    const verified = await this.holder('sessions:introspect', () => parseValue(input, TokenInput))
    if (!verified.ok) return verified
    const stream = await inRequest(() => this.sessions.listen(verified.value.holder, Date.now()))
    return stream.ok ? ok(eventStream(stream.value, STREAM_BEAT_MILLISECONDS)) : stream
  }

  /** The holder of a token of the caller's store, and what is asked. */
  private async holder<T extends { readonly token: string }>(
    scope: Scope,
    parse: () => Result<T, SessionError>,
  ): Promise<
    Result<{ readonly holder: VerifiedToken; readonly asked: T; readonly identityStoreId: string }, SessionError>
  > {
    const caller = this.caller(scope)
    if (!caller.ok) return caller
    const parsed = parse()
    if (!parsed.ok) return parsed
    const { identityStoreId } = caller.value
    const verified = await this.sessions.verifyOfStore(parsed.value.token, 'web', identityStoreId)
    return verified.ok ? ok({ holder: verified.value, asked: parsed.value, identityStoreId }) : verified
  }

  private get services() {
    return servicesOf(this.env, requireSettings(this.env))
  }

  private get sessions(): Sessions {
    return this.services.sessions
  }

  private caller(needed: Scope): Result<{ readonly identityStoreId: string }, SessionError> {
    const props = parseValue((this.ctx as { props?: unknown }).props, BindingProps)
    if (!props.ok) return fail({ code: 'forbidden', needed: [needed], provided: [] })
    const identityStoreId = props.value.identityStoreId
    const scopes: readonly string[] = props.value.scopes
    return scopes.includes(needed)
      ? ok({ identityStoreId })
      : fail({ code: 'forbidden', needed: [needed], provided: scopes })
  }
}

/** One request has one id, in the log as on record. */
function inRequest<T>(act: (requestId: string) => Promise<T>): Promise<T> {
  const requestId = crypto.randomUUID()
  return logContext.run({ requestId }, () => act(requestId))
}

function told(error: SessionError): BindingError {
  if (error.code !== 'session_limit_reached') return error
  return { ...error, sessions: error.sessions.map((view) => sessionBody(view, null)) }
}

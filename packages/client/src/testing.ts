/** A Latchkey for tests: in memory, with a clock of its own. It answers as the service does, and nothing is asked. */
import type { BindingError, BindingResult, Client, SessionsBinding } from './binding.ts'
import { createClient, type LatchkeyClient, type Sessions } from './client.ts'
import { follow, overBinding } from './ended.ts'
import type { EndReason, Session, Wire } from './session.ts'
import { TestClock, TestStreams } from './testing-streams.ts'

export interface TestClientOptions {
  /** Ids of the users that there are. Default: whoever is asked for. */
  readonly users?: readonly string[]
  /** Default: 30 days. */
  readonly overallTimeoutSeconds?: number
  /** Default: sessions do not idle out. */
  readonly inactivityTimeoutSeconds?: number | null
  /** How many sessions a user may have. Default: any number. */
  readonly concurrentSessionLimit?: number
  /** Default: `evict_oldest`. */
  readonly whenLimitReached?: 'evict_oldest' | 'refuse'
  /** When the clock starts, epoch milliseconds. Default: now. */
  readonly startsAt?: number
}

export interface TestClient extends LatchkeyClient {
  readonly clock: {
    /** Moves the clock on. */
    readonly advance: (seconds: number) => void
  }
  /** Opens a session. Answers its token. */
  readonly signIn: (userId: string) => Promise<string>
  /** Ends a user's sessions; the user gets no new one. */
  readonly disableUser: (userId: string) => void
  /** Ends a session, as an administrator does. */
  readonly revoke: (sessionId: string) => void
  /** What every call is answered from now on: nothing, or as before. */
  readonly setUnavailable: (unavailable: boolean) => void
  /** How many calls reached the service so far. */
  readonly calls: () => number
  /** How many signals of `sessions.ended` follow a session now. */
  readonly followers: () => number
}

const DAYS_30_SECONDS = 2_592_000
/** How long the answer to an opening with a key is kept. */
const KEPT_MILLISECONDS = 86_400_000
const IDENTITY_STORE = 'test-store'
/** How long before its deadline it is told that a session will end; of a short timeout half of it. */
const WARNING_MILLISECONDS = 60_000

type OpenInput = Parameters<SessionsBinding['open']>[0]
type OpenedResult = BindingResult<Wire<Session> & { readonly token: string }>

interface Live {
  readonly id: string
  readonly token: string
  readonly userId: string
  readonly openedAt: number
  readonly persistent: boolean
  lastSeenAt: number
  address: string | null
  end: { readonly reason: EndReason; readonly endedAt: number } | null
}

/** Makes the double. */
export function createTestClient(options: TestClientOptions = {}): TestClient {
  const service = new Service(options)
  const binding = service.binding()
  const client = createClient({ binding, retries: 0 })
  const ended: Sessions['ended'] = (token, how = {}) => {
    const over = new AbortController()
    follow(over, token, overBinding(binding), how, service.clock)
    return over.signal
  }
  return {
    sessions: { ...client.sessions, ended },
    now: () => service.clock.now(),
    clock: { advance: (seconds) => service.advance(seconds) },
    async signIn(userId) {
      const opened = await client.sessions.open({ userId, client: { address: null, userAgent: null } })
      if (!opened.ok) throw new Error(`${userId} has no session: ${opened.code}`)
      return opened.token
    },
    disableUser: (userId) => service.disable(userId),
    revoke: (sessionId) => service.end(({ id }) => id === sessionId, 'revoked'),
    setUnavailable: (unavailable) => service.setUnavailable(unavailable),
    calls: () => service.calls,
    followers: () => service.streams.count,
  }
}

class Service {
  readonly clock: TestClock
  calls = 0
  private unavailable = false
  readonly streams = new TestStreams()
  private readonly options: TestClientOptions
  private readonly sessions: Live[] = []
  private readonly disabled = new Set<string>()
  /** What was answered to openings with a key. */
  private readonly answered = new Map<
    string,
    { readonly asked: string; readonly answer: OpenedResult; readonly at: number }
  >()

  constructor(options: TestClientOptions) {
    this.options = options
    this.clock = new TestClock(options.startsAt ?? Date.now())
  }

  private get now(): number {
    return this.clock.now()
  }

  binding(): SessionsBinding {
    const withSession = <T>(token: string, act: (session: Live) => BindingResult<T>): BindingResult<T> => {
      const session = this.sessions.find((other) => other.token === token)
      if (session === undefined) return fail({ code: 'unauthenticated' })
      return session.end === null ? act(session) : fail({ code: 'session_ended', ...session.end })
    }
    return {
      check: ({ token, touch = true, client }) =>
        this.answer(() =>
          withSession(token, (session) => {
            if (touch) this.touch(session, client)
            return ok(this.bodyOf(session, session))
          }),
        ),
      open: (input) => this.answer(() => this.openOnce(input)),
      end: ({ token }) =>
        this.answer(() => {
          const session = this.sessions.find((other) => other.token === token)
          if (session === undefined) return fail({ code: 'unauthenticated' })
          this.end((other) => other === session, 'revoked')
          return ok(undefined)
        }),
      listOwn: ({ token, client }) =>
        this.answer(() =>
          withSession(token, (session) => {
            this.touch(session, client)
            return ok({
              sessions: this.liveOf(session.userId)
                .map((other) => this.bodyOf(other, session))
                .reverse(),
            })
          }),
        ),
      events: ({ token }) => this.answer(() => withSession(token, (session) => ok(this.listenTo(session)))),
      endOwn: ({ token, sessions: which }) =>
        this.answer(() =>
          withSession(token, (session) => {
            const live = this.liveOf(session.userId)
            const chosen = live.filter((other) => (which === 'others' ? other !== session : other.id === which))
            if (chosen.length === 0 && which !== 'others') return fail({ code: 'session_not_found' })
            this.end((other) => chosen.includes(other), 'revoked')
            return ok({ ended: chosen.length })
          }),
        ),
    }
  }

  advance(seconds: number): void {
    this.clock.advance(seconds * 1000, () => {
      for (const session of this.sessions.filter(({ end }) => end === null)) {
        const { reason, endsAt } = this.deadlineOf(session)
        if (this.now >= endsAt) this.finish(session, reason, endsAt)
        else this.warn(session)
      }
    })
  }

  private warn(session: Live): void {
    const { reason, endsAt, endsSoonAt } = this.deadlineOf(session)
    if (this.now >= endsSoonAt) this.streams.endingSoon(session.id, reason, endsAt)
  }

  private listenTo(session: Live): ReadableStream<Uint8Array> {
    const stream = this.streams.open(session.id)
    this.warn(session)
    return stream
  }

  setUnavailable(unavailable: boolean): void {
    this.unavailable = unavailable
    if (unavailable) this.streams.breakDown()
  }

  disable(userId: string): void {
    this.disabled.add(userId)
    this.end((session) => session.userId === userId, 'user_disabled')
  }

  end(which: (session: Live) => boolean, reason: EndReason): void {
    for (const session of this.sessions) {
      if (session.end === null && which(session)) this.finish(session, reason, this.now)
    }
  }

  private finish(session: Live, reason: EndReason, endedAt: number): void {
    session.end = { reason, endedAt }
    this.streams.ended(session.id, reason, endedAt)
  }

  private async answer<T>(act: () => BindingResult<T>): Promise<BindingResult<T>> {
    this.calls += 1
    return this.unavailable ? fail({ code: 'unavailable', retryAfterSeconds: 1 }) : act()
  }

  private openOnce({ idempotencyKey, ...input }: OpenInput): OpenedResult {
    if (idempotencyKey === undefined) return this.open(input)
    const asked = JSON.stringify(input)
    const before = this.answered.get(idempotencyKey)
    if (before !== undefined && this.now < before.at + KEPT_MILLISECONDS) {
      return before.asked === asked ? before.answer : fail({ code: 'idempotency_key_reused' })
    }
    const answer = this.open(input)
    // A user who may have none now may have one later.
    const keeps = answer.ok || answer.error.code !== 'user_disabled'
    if (keeps) this.answered.set(idempotencyKey, { asked, answer, at: this.now })
    return answer
  }

  private open({ userId, client, persistent = false, endSessions = [] }: OpenInput): OpenedResult {
    const { users, concurrentSessionLimit = Number.POSITIVE_INFINITY, whenLimitReached } = this.options
    if (users?.includes(userId) === false) return fail({ code: 'user_not_found' })
    if (this.disabled.has(userId)) return fail({ code: 'user_disabled' })
    const left = this.liveOf(userId).filter(({ id }) => !endSessions.includes(id))
    const surplus = Math.max(0, left.length + 1 - concurrentSessionLimit)
    if (surplus > 0 && whenLimitReached === 'refuse') {
      const sessions = this.liveOf(userId).map((session) => this.bodyOf(session, null))
      return fail({ code: 'session_limit_reached', sessions })
    }
    const evicted = [...endSessions, ...left.slice(0, surplus).map(({ id }) => id)]
    this.end((session) => session.userId === userId && evicted.includes(session.id), 'evicted')
    const session: Live = {
      id: crypto.randomUUID(),
      token: `test_${crypto.randomUUID()}`,
      userId,
      openedAt: this.now,
      lastSeenAt: this.now,
      persistent,
      address: client.address,
      end: null,
    }
    this.sessions.push(session)
    return ok({ ...this.bodyOf(session, session), token: session.token })
  }

  private liveOf(userId: string): Live[] {
    return this.sessions.filter((session) => session.userId === userId && session.end === null)
  }

  private touch(session: Live, client: Client | undefined): void {
    session.lastSeenAt = this.now
    if (client !== undefined) session.address = client.address
  }

  private deadlines({ openedAt, lastSeenAt }: Live): {
    readonly expiresAt: number
    readonly idlesOutAt: number | null
  } {
    const { overallTimeoutSeconds = DAYS_30_SECONDS, inactivityTimeoutSeconds = null } = this.options
    return {
      expiresAt: openedAt + overallTimeoutSeconds * 1000,
      idlesOutAt: inactivityTimeoutSeconds === null ? null : lastSeenAt + inactivityTimeoutSeconds * 1000,
    }
  }

  private deadlineOf(session: Live) {
    const { overallTimeoutSeconds = DAYS_30_SECONDS, inactivityTimeoutSeconds } = this.options
    const { expiresAt, idlesOutAt } = this.deadlines(session)
    const idles = idlesOutAt !== null && idlesOutAt < expiresAt
    const endsAt = idles ? idlesOutAt : expiresAt
    const seconds = (idles ? inactivityTimeoutSeconds : overallTimeoutSeconds) ?? 0
    const reason: EndReason = idles ? 'idle' : 'expired'
    return { reason, endsAt, endsSoonAt: endsAt - Math.min(WARNING_MILLISECONDS, seconds * 500) }
  }

  private bodyOf(session: Live, current: Live | null): Wire<Session> {
    const { expiresAt, idlesOutAt } = this.deadlines(session)
    return {
      id: session.id,
      identity_store_id: IDENTITY_STORE,
      user_id: session.userId,
      current: session === current,
      opened_at: instant(session.openedAt),
      last_seen_at: instant(session.lastSeenAt),
      expires_at: instant(expiresAt),
      idles_out_at: idlesOutAt === null ? null : instant(idlesOutAt),
      persistent: session.persistent,
      credentials_type: 'trusted_back_end',
      address: session.address,
      browser: null,
      operating_system: null,
      location: null,
    }
  }
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function ok<T>(value: T): BindingResult<T> {
  return { ok: true, value }
}

function fail(error: BindingError): BindingResult<never> {
  return { ok: false, error }
}

/**
 * The application server of the tests: the example, with its own D1, behind the Worker's service binding. Its
 * faults are switched here, in the way between the two.
 */
import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, beforeEach, vi } from 'vitest'
import application, { type Env as ApplicationEnv } from '../../examples/application-server/src/index.ts'
import { cheapHash, type TestUser } from './stores.ts'

/** What reached the application server, or would have. */
export interface ApplicationCall {
  readonly method: string
  readonly path: string
}

/** What happens to a call: as it comes, or some way of going wrong. */
export type Mishap =
  | 'none'
  /** 422: it says no. */
  | 'refused'
  /** 412: the profile has moved on. */
  | 'refused_by_version'
  /** 503: it says that it can do nothing now. */
  | 'overloaded'
  /** It cannot be reached. */
  | 'down'
  /** It does what it is asked and answers long after the time-out. */
  | 'slow'
  /** It is reached long after the time-out, and then does what it was asked. */
  | 'late'
  /** It does what it is asked; the answer is lost. */
  | 'answer_lost'
  /** 500, after it was done. */
  | 'crashed_after'
  /** 500, and nothing was done. */
  | 'crashed_before'
  /** An answer that fits no contract; nothing was done. */
  | 'nonsense'
  /** No answer ever; nothing was done. */
  | 'hanging'
  /** It is on its way until the test lets go of what it holds (`holding`), and then does what it was asked. */
  | 'held'

/** The switch. `decide` is asked at each call; a response stands for what the server says in place of its own. */
export const applicationServer = {
  decide: (_call: ApplicationCall): Mishap | Response => 'none',
  /** All calls since the test began. */
  calls: [] as ApplicationCall[],
  /** Whether calls that are `held` are held. */
  holding: true,
  /** How many there are for whose answer somebody waits, and how many there were at most. */
  underWayNow: 0,
  mostUnderWay: 0,
  /** Requests that are under way for long, while nobody waits for them any more. */
  underWay: [] as Request[],
}

/** What was under way for long arrives, and is done. */
export async function deliverLateRequests(): Promise<void> {
  for (const request of applicationServer.underWay.splice(0)) await reach(request)
}

/** Puts the application server behind the binding for the tests of a file; each begins with a healthy one. */
export function useApplicationServer(): void {
  beforeAll(async () => {
    await applyD1Migrations(env.APPLICATION_SERVER_DB, env.APPLICATION_SERVER_MIGRATIONS)
    Object.defineProperty(env.APPLICATION_SERVER, 'fetch', { value: answer, configurable: true, writable: true })
  })
  beforeEach(() => {
    applicationServer.decide = () => 'none'
    applicationServer.calls = []
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(timeLimit)
    Object.assign(applicationServer, { holding: true, underWay: [], underWayNow: 0, mostUnderWay: 0 })
  })
  afterAll(() => {
    if (env.APPLICATION_SERVER !== undefined) Reflect.deleteProperty(env.APPLICATION_SERVER, 'fetch')
  })
}

/** Time limits of calls. They strike where the mishap says so, and nowhere else, however slow the machine is. */
const timeLimits = new WeakMap<AbortSignal, AbortController>()

function timeLimit(): AbortSignal {
  const limit = new AbortController()
  timeLimits.set(limit.signal, limit)
  return limit.signal
}

/** The time limit of a call strikes; one that is not ours strikes when it likes. */
function noAnswer(signal: RequestInit['signal']): Promise<never> {
  if (signal) timeLimits.get(signal)?.abort()
  return new Promise(() => {})
}

async function answer(url: string, init: RequestInit): Promise<Response> {
  applicationServer.underWayNow += 1
  applicationServer.mostUnderWay = Math.max(applicationServer.mostUnderWay, applicationServer.underWayNow)
  const gaveUp = new Promise<never>((_resolve, reject) => init.signal?.addEventListener('abort', reject))
  try {
    return await Promise.race([act(url, init), gaveUp])
  } finally {
    applicationServer.underWayNow -= 1
  }
}

async function act(url: string, init: RequestInit): Promise<Response> {
  // The signal is the caller's: that it gave up does not stop the other side.
  const { signal, ...sent } = init
  const request = new Request(url, sent)
  const call = { method: request.method, path: new URL(url).pathname }
  applicationServer.calls.push(call)
  const mishap = applicationServer.decide(call)
  if (mishap instanceof Response) return mishap
  switch (mishap) {
    case 'none':
      return reach(request)
    case 'refused':
      return Response.json({ detail: 'Not today.' }, { status: 422 })
    case 'refused_by_version':
      return Response.json({ detail: 'The profile has another version.' }, { status: 412 })
    case 'overloaded':
      return new Response(null, { status: 503 })
    case 'down':
      throw new Error('Network connection lost.')
    case 'nonsense':
      return new Response('<html>', { status: 200 })
    case 'crashed_before':
      return new Response(null, { status: 500 })
    case 'crashed_after':
      await reach(request)
      return new Response(null, { status: 500 })
    case 'answer_lost':
      await reach(request)
      throw new Error('Network connection lost.')
    case 'slow':
      await reach(request)
      return noAnswer(signal)
    case 'hanging':
      return noAnswer(signal)
    case 'held':
      // It looks for itself: a promise of the test's own would belong to another request.
      while (applicationServer.holding) await scheduler.wait(5)
      return reach(request)
    case 'late':
      applicationServer.underWay.push(request)
      return noAnswer(signal)
  }
}

async function reach(request: Request): Promise<Response> {
  const theirs: ApplicationEnv = {
    DB: env.APPLICATION_SERVER_DB,
    APPLICATION_SERVER_SECRET: env.APPLICATION_SERVER_SECRET,
  }
  return application.fetch(request as never, theirs)
}

/** A profile with its version, as the application server's database has it. */
export interface TheirProfile {
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email_address: string | null
  readonly version: number
}

/** Makes the application server know a user, with the profile that we have and this password. */
export async function makeTheirUser(user: TestUser, password: string | null = user.password): Promise<void> {
  await env.APPLICATION_SERVER_DB.prepare("INSERT INTO users VALUES (?, ?, 'Test', 'User', ?, 1)")
    .bind(user.username, password === null ? null : cheapHash(password), user.username)
    .run()
}

/** What the application server's database has of a user. */
export async function theirProfile(user: TestUser): Promise<TheirProfile | null> {
  return env.APPLICATION_SERVER_DB.prepare(
    'SELECT first_name, last_name, email_address, version FROM users WHERE username = ?',
  )
    .bind(user.username)
    .first<TheirProfile>()
}

/** What our database has of a user. */
export async function ourProfile(user: TestUser): Promise<TheirProfile | null> {
  return env.DB.prepare(
    'SELECT first_name, last_name, email_address, profile_version AS version FROM users WHERE identity_store_id = ? AND user_id = ?',
  )
    .bind(user.identityStoreId, user.userId)
    .first<TheirProfile>()
}

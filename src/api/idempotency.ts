/**
 * `Idempotency-Key`: a request that comes again, with the same key and body from the same caller, is given the answer of
 * the first time. Without the header nothing is read or written.
 */
import { hash } from 'node:crypto'
import type { SessionError } from '../domain/errors.ts'
import { NO_STORE } from '../domain/ids.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { MAX_BULK_BODY_BYTES, readBody } from '../http/body.ts'
import { MAX_BOUND_BYTES } from '../limits.ts'
import { type Claim, claimKey, keepAnswer, releaseKey } from '../store/idempotent-requests.ts'
import type { RequestContext, Services } from './context.ts'
import { problemOf, renderProblem } from './problems.ts'
import type { Handler, HandlerResult } from './route.ts'

/** The key: a structured field's string (RFC 9651), or without quotes, as most clients send it. */
const KEY_PATTERN = /^(?:"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([A-Za-z0-9._:-]{1,255}))$/

/** An answer as it is kept. */
interface KeptAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

type Needed = Pick<Services, 'db' | 'sealing'>

/** What is asked: who asks what under which key, and the input. */
interface Asked {
  readonly about: readonly string[]
  readonly input: string | Uint8Array
  /** Epoch milliseconds. */
  readonly now: number
}

/** How an answer is kept. */
interface Keeping<Answer> {
  /** Null: it is not kept. */
  readonly keep: (answer: Answer) => Promise<{ readonly status: number; readonly text: string } | null>
  readonly replay: (text: string, status: number) => Answer
}

/**
 * Answers a request once. `identify`: who calls, for whom alone the key holds; `act` is given the request to answer, which
 * may be a copy. Errors: those of both; `invalid_request` for a key that is none; `idempotency_key_reused`,
 * `idempotent_request_running`; `unavailable`.
 */
export async function idempotently(
  request: Request,
  context: RequestContext,
  identify: () => Promise<Result<string, SessionError>> | Result<string, SessionError>,
  act: (request: Request) => ReturnType<Handler>,
): HandlerResult {
  const header = request.headers.get('idempotency-key')
  if (header === null) return act(request)
  const caller = await identify()
  if (!caller.ok) return caller
  const [, quoted, bare] = KEY_PATTERN.exec(header) ?? []
  const key = quoted ?? bare
  if (key === undefined) return fail(NO_KEY)
  const body = await readBody(request, MAX_BULK_BODY_BYTES)
  if (!body.ok) return body

  const { url, method, headers } = request
  const asked = { about: [caller.value, method, context.path, key], input: body.value, now: context.now }
  const answer = async () => {
    const result = await act(new Request(url, { method, headers, body: body.value }))
    return result.ok ? result.value : renderProblem(result.error, context)
  }
  return once(context.services, asked, answer, {
    async keep(response) {
      const { status } = response
      if (saysThatNothingHappened(status)) return null
      const own = Object.fromEntries([...response.headers].filter(([name]) => !(name in context.headers)))
      const kept: KeptAnswer = { headers: own, body: response.body === null ? null : await response.clone().text() }
      return { status, text: JSON.stringify(kept) }
    },
    replay(text, status) {
      const { headers: own, body }: KeptAnswer = JSON.parse(text)
      return new Response(body, { status, headers: { ...own, 'idempotent-replayed': 'true' } })
    },
  })
}

/** The same of a call whose answer is a value. `about`: who calls, what, and the key. Errors: those of `act` too. */
export async function callOnce<T>(
  services: Needed,
  asked: Asked,
  act: () => Promise<Result<T, SessionError>>,
): Promise<Result<T, SessionError>> {
  const answer = await once(services, asked, act, {
    async keep(result) {
      const status = result.ok ? 200 : problemOf(result.error).status
      return saysThatNothingHappened(status) ? null : { status, text: JSON.stringify(result) }
    },
    replay: (text) => JSON.parse(text) as Result<T, SessionError>,
  })
  return answer.ok ? answer.value : answer
}

async function once<Answer>(
  services: Needed,
  { about, input, now }: Asked,
  act: () => Promise<Answer>,
  keeping: Keeping<Answer>,
): Promise<Result<Answer, SessionError>> {
  const keyHash = hash('sha256', JSON.stringify(about), 'hex')
  const found = await claimKey(services.db, keyHash, hash('sha256', input, 'hex'), now)
  if (!found.ok) return found
  switch (found.value.state) {
    case 'reused':
      return fail({ code: 'idempotency_key_reused' })
    case 'running':
      return fail({ code: 'idempotent_request_running' })
    case 'answered': {
      const { status, sealedAnswer } = found.value
      const text = await services.sealing.open('idempotent_answer', NO_STORE, keyHash, sealedAnswer)
      if (text === null) return fail({ code: 'conflict', detail: UNREADABLE })
      return ok(keeping.replay(text, status))
    }
    case 'claimed':
      return ok(await answerOnce(services, found.value.claim, now, act, keeping))
  }
}

async function answerOnce<Answer>(
  { db, sealing }: Needed,
  claim: Claim,
  now: number,
  act: () => Promise<Answer>,
  { keep }: Keeping<Answer>,
): Promise<Answer> {
  let isKept = false
  try {
    const answer = await act()
    const kept = await keep(answer)
    const sealedAnswer = kept && (await sealing.seal('idempotent_answer', NO_STORE, claim.keyHash, kept.text))
    // An answer that is too long is not kept: it is of an import, which may be repeated, since it changes no user.
    if (kept !== null && sealedAnswer !== null && sealedAnswer.length <= MAX_BOUND_BYTES) {
      // What was done is done: the caller is answered also where the answer cannot be kept.
      isKept = true
      await keepAnswer(db, claim, { status: kept.status, sealedAnswer }, now)
    }
    return answer
  } finally {
    if (!isKept) await releaseKey(db, claim)
  }
}

/** An answer that is not kept: nothing was done, and the same request may succeed later. */
function saysThatNothingHappened(status: number): boolean {
  return status === 401 || status === 403 || status === 429 || status >= 500
}

const NO_KEY: SessionError = {
  code: 'invalid_request',
  issues: [
    {
      field: 'Idempotency-Key',
      code: 'invalid',
      message: 'Must be a string in quotes, or 1 to 255 letters, digits, dots, dashes, underscores and colons.',
    },
  ],
}

const UNREADABLE = 'It was done, and the answer cannot be read any more: look what there is, and use another key.'

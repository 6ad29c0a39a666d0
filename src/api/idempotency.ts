/**
 * `Idempotency-Key`: a request that comes again, with the same key and body from the same caller, is given the answer of
 * the first time. Without the header nothing is read or written.
 */
import { hash } from 'node:crypto'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { MAX_BULK_BODY_BYTES, readBody } from '../http/body.ts'
import { pathOf } from '../http/router-paths.ts'
import { MAX_BOUND_BYTES } from '../limits.ts'
import { type Claim, claimKey, keepAnswer, releaseKey } from '../store/idempotent-requests.ts'
import type { RequestContext } from './context.ts'
import { renderProblem } from './problems.ts'
import type { Handler, HandlerResult } from './route.ts'

/** A structured field's string (RFC 9651), or bare, as most clients send it. */
const KEY_PATTERN = /^(?:"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([A-Za-z0-9._:-]{1,255}))$/
/** What a sealed answer belongs to is in the hash of its key. */
const NO_STORE = '*'

/** An answer as it is kept. */
interface KeptAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
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

  const { db } = context.services
  const keyHash = hash('sha256', JSON.stringify([caller.value, request.method, pathOf(request.url), key]), 'hex')
  const found = await claimKey(db, keyHash, hash('sha256', body.value, 'hex'), context.now)
  if (!found.ok) return found
  switch (found.value.state) {
    case 'reused':
      return fail({ code: 'idempotency_key_reused' })
    case 'running':
      return fail({ code: 'idempotent_request_running' })
    case 'answered':
      return replay(keyHash, found.value, context)
    case 'claimed':
      return answerOnce(found.value.claim, context, () => {
        const { url, method, headers } = request
        return act(new Request(url, { method, headers, body: body.value }))
      })
  }
}

async function answerOnce(claim: Claim, context: RequestContext, act: () => ReturnType<Handler>): HandlerResult {
  const { db } = context.services
  let kept = false
  try {
    const result = await act()
    const response = result.ok ? result.value : renderProblem(result.error, context)
    const answer = saysThatNothingHappened(response.status) ? null : await sealed(claim, response, context)
    if (answer !== null) {
      // Once it is done the caller is told, also where that cannot be kept.
      kept = true
      await keepAnswer(db, claim, answer, context.now)
    }
    return ok(response)
  } finally {
    if (!kept) await releaseKey(db, claim)
  }
}

/** Such an answer is for now: the same request may fare better. */
function saysThatNothingHappened(status: number): boolean {
  return status === 401 || status === 403 || status === 429 || status >= 500
}

/** An answer to be kept; null for one that is too long. It is of an import, which may be done again: it changes no user. */
async function sealed({ keyHash }: Claim, response: Response, context: RequestContext) {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !(name in context.headers)))
  const answer: KeptAnswer = { headers, body: response.body === null ? null : await response.clone().text() }
  const { sealing } = context.services
  const sealedAnswer = await sealing.seal('idempotent_answer', NO_STORE, keyHash, JSON.stringify(answer))
  return sealedAnswer.length > MAX_BOUND_BYTES ? null : { status: response.status, sealedAnswer }
}

async function replay(
  keyHash: string,
  { status, sealedAnswer }: { readonly status: number; readonly sealedAnswer: string },
  { services }: RequestContext,
): HandlerResult {
  const text = await services.sealing.open('idempotent_answer', NO_STORE, keyHash, sealedAnswer)
  if (text === null) return fail({ code: 'conflict', detail: UNREADABLE })
  const { headers, body }: KeptAnswer = JSON.parse(text)
  return ok(new Response(body, { status, headers: { ...headers, 'idempotent-replayed': 'true' } }))
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

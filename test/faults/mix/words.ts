/** Whether an answer says yes, no or not now, each API in its own words; anything else is a finding. */
import { formOf, INTERNAL } from '../fuzz/verdict.ts'

export type Api = 'own' | 'operator' | 'Slack' | 'Looker' | 'Identity Center' | 'APIO' | 'Shared Signals' | 'Pages'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export type Said =
  | { readonly how: 'yes'; readonly body: Body }
  /** Nothing is known to have been done. */
  | { readonly how: 'no' | 'not now'; readonly body: Body }
  /** No API says so. */
  | { readonly how: 'nonsense'; readonly because: string }

// biome-ignore lint/suspicious/noExplicitAny: bodies of every form are read.
export type Body = any

/** What an API says with an answer. */
export function readAnswer(api: Api, { status, headers, text }: Answer): Said {
  const nonsense = (because: string): Said => ({
    how: 'nonsense',
    because: `${because}: ${status} ${text.slice(0, 300)}`,
  })
  const unfit = formOf(headers, text) ?? (INTERNAL.test(text) ? 'speaks of its inside' : null)
  if (unfit !== null) return nonsense(unfit)
  const isJson = headers.get('content-type')?.includes('json') === true
  const body: Body = text === '' ? null : isJson ? JSON.parse(text) : text
  if (api === 'Slack') return readSlack(status, headers, body) ?? nonsense('is no answer of Slack')
  // A form that has done something leads to a page.
  if (status < 300 || (api === 'Pages' && status === 303)) return { how: 'yes', body }
  if (!SPOKEN[api](status, headers, body)) return nonsense(`is not in the words of ${api}`)
  if (status < 500 && status !== 429) return { how: 'no', body }
  // The application server is another's: whether to come back, and when, nobody can say.
  const foreign = api === 'APIO' && (status === 502 || status === 504)
  if (status !== 503 && status !== 429 && !foreign) return nonsense('is an outage of no known kind')
  if (!foreign && !(Number(headers.get('retry-after')) >= 1)) return nonsense('does not say when to come back')
  return { how: 'not now', body }
}

/** Refusals that say that something could not be done, or not all of it. */
const SLACK_NOT_NOW =
  /^(service_unavailable|request_timeout|session_invalidation_failed|user_session_reset_failed|unable_to_update_existing_sessions)$/

/** Slack answers 200 to nearly everything. */
function readSlack(status: number, headers: Headers, body: Body): Said | null {
  if (status === 429) {
    return body.error === 'ratelimited' && headers.has('retry-after') ? { how: 'not now', body } : null
  }
  if (status !== 200) return null
  if (body.ok === true) return { how: 'yes', body }
  if (typeof body.error !== 'string' || /^(internal|fatal)_error$/.test(body.error)) return null
  return { how: SLACK_NOT_NOW.test(body.error) ? 'not now' : 'no', body }
}

type IsSpoken = (status: number, headers: Headers, body: Body) => boolean

const isProblem: IsSpoken = (status, headers, body) =>
  headers.get('content-type')?.startsWith('application/problem+json') === true && body.status === status
const isLooker: IsSpoken = (_status, _headers, body) =>
  typeof body.message === 'string' && typeof body.documentation_url === 'string'
const isIdentityCenter: IsSpoken = (_status, headers, body) =>
  /^(APIGW|IIC)\.\d+$/.test(body.error_code) && body.request_id === headers.get('x-request-id')
const isSharedSignals: IsSpoken = (_status, _headers, body) =>
  typeof body.err === 'string' && typeof body.description === 'string'
const isPage: IsSpoken = (_status, headers, body) =>
  headers.get('content-type')?.startsWith('text/html') === true && body.includes('<h1')
const isApio: IsSpoken = (_status, _headers, body) => typeof body.details === 'string'

const SPOKEN: Readonly<Record<Exclude<Api, 'Slack'>, IsSpoken>> = {
  own: isProblem,
  operator: isProblem,
  Looker: isLooker,
  'Identity Center': isIdentityCenter,
  APIO: isApio,
  'Shared Signals': isSharedSignals,
  Pages: isPage,
}

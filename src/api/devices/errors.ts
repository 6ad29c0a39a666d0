/** What goes wrong, in words for people who look at a page. */
import { END_SENTENCES } from '../../domain/end-sentences.ts'
import type { SessionError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'
import { problemOf } from '../problems.ts'
import { html } from './html.ts'
import { pageResponse } from './page.ts'
import { minutes } from './words.ts'

/** What is said of an error to a user. Of a wrong sign-in never which of the two was wrong. */
export function sentenceOf(error: SessionError): string {
  switch (error.code) {
    case 'invalid_credentials':
      return 'The user name or the password is wrong, or the user may not sign in with one.'
    case 'locked_out':
      return `There were too many wrong passwords. Wait for ${minutes(error.retryAfterSeconds)}, then try again.`
    case 'rate_limited':
      return `There were too many tries. Wait for ${minutes(error.retryAfterSeconds)}, then try again.`
    case 'unavailable':
      return 'Something does not answer just now. Try again in a moment.'
    case 'session_limit_reached':
      return 'You are signed in as often as you may be. Choose what is to end, and sign in again.'
    case 'session_not_found':
      return 'You have no such session. It may have ended already.'
    case 'session_ended':
      return END_SENTENCES[error.reason]
    case 'unauthenticated':
    case 'wrong_token_kind':
      return 'You are not signed in.'
    case 'origin_not_allowed':
      return 'The form came from a page of another site, so nothing was done.'
    case 'user_disabled':
      return 'The user may not sign in.'
    case 'conflict':
      return 'Something was changed at the same time. Try again.'
    case 'request_timeout':
      return 'The form did not come whole. Send it again.'
    case 'invalid_request':
    case 'request_too_large':
    case 'unsupported_media_type':
      return 'The form was not filled in as it should be. Nothing was done.'
    case 'path_not_found':
    case 'method_not_allowed':
    case 'credential_expired':
    case 'credential_revoked':
    case 'credential_owner_disabled':
    case 'address_not_allowed':
    case 'forbidden':
    case 'identity_store_not_found':
    case 'user_not_found':
    case 'credential_not_found':
    case 'group_config_not_found':
    case 'config_version_not_found':
    case 'openid_provider_not_found':
    case 'lockout_not_found':
    case 'job_not_found':
    case 'event_endpoint_not_found':
    case 'more_than_expected':
    case 'confirmation_needed':
    case 'idempotency_key_reused':
    case 'idempotent_request_running':
    case 'precondition_failed':
      return 'That cannot be done here.'
    // No default: a new code fails to compile until it has an answer here.
  }
}

/** What an answer with an error is, whatever page it shows. */
export function statusOf(error: SessionError): Pick<Parameters<typeof pageResponse>[0], 'status' | 'headers'> {
  const { status, headers = {} } = problemOf(error)
  return { status, headers }
}

/** A page that says no more than what went wrong. */
export function renderError(error: SessionError, context: RequestContext): Response {
  return failurePage('That did not work', sentenceOf(error), statusOf(error), context)
}

/** Renders a bug: says nothing but the request id. */
export function renderBug(context: RequestContext): Response {
  return failurePage('Something is broken here', 'It is not your fault, and it was noted.', { status: 500 }, context)
}

function failurePage(
  title: string,
  sentence: string,
  how: ReturnType<typeof statusOf>,
  context: RequestContext,
): Response {
  const main = html`<h1>${title}</h1>
<p role="alert">${sentence}</p>
<nav aria-label="Go on"><a href="/devices">Your devices</a> <a href="/sign-in">Sign in</a></nav>
<p class="soft">Request ${context.requestId}</p>`
  return pageResponse({ title, main, narrow: true, ...how }, context)
}

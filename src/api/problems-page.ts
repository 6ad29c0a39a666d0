/** `/docs/problems`: a paragraph for every code that an answer can carry. `type` and `documentation_url` lead here. */
import type { SessionErrorCode } from '../domain/errors.ts'

/** A code of the union, or a bug. */
export type ProblemCode = SessionErrorCode | 'internal_error'

interface Paragraph {
  readonly means: string
  readonly remedy: string
}

/** No code without a paragraph: one that is missing does not compile. */
export const PARAGRAPHS: Readonly<Record<ProblemCode, Paragraph>> = {
  invalid_request: {
    means: 'The request is malformed. The first ten things that are wrong are named, each with its field.',
    remedy: 'Mend what is named and send the request again. Nothing was changed.',
  },
  request_too_large: {
    means: 'The body is larger than this path takes.',
    remedy: 'Send less at a time. The answer says how many bytes are taken.',
  },
  unsupported_media_type: {
    means: 'The body is of another media type than this path takes, or has none.',
    remedy: 'Set Content-Type to one of those that the answer names, and send a body of that form.',
  },
  request_timeout: {
    means: 'The body broke off, or was not complete within ten seconds.',
    remedy: 'Send the request again. Nothing was changed.',
  },
  path_not_found: {
    means: 'There is no such path.',
    remedy:
      'Compare it with /openapi.json, /openapi/operator.json and /openapi/vendors.json. Paths are exact: APIO’s end with a slash, all others do not.',
  },
  method_not_allowed: {
    means: 'The path is there, but does not take this method.',
    remedy: 'Use one of the methods that the header Allow names.',
  },
  unauthenticated: {
    means: 'There is no token or credential in the request, or none that is known here.',
    remedy: 'Sign in, or send a credential that an operator made, in the way that the path’s documentation says.',
  },
  wrong_token_kind: {
    means: 'The token is genuine, but of another kind than this path takes.',
    remedy:
      'The answer says what was found. A web session’s token comes from a sign-in, an API session’s from Looker’s login, a credential from an operator; they do not stand in for one another.',
  },
  credential_expired: {
    means: 'The credential is known, and past its expiry.',
    remedy: 'Have an operator make a new one.',
  },
  credential_revoked: {
    means: 'The credential is known, and was revoked.',
    remedy: 'Have an operator make a new one.',
  },
  credential_owner_disabled: {
    means: 'The credential is known, and the user for whom it acts is disabled.',
    remedy: 'An operator can make the user active again, or make a credential for somebody else.',
  },
  address_not_allowed: {
    means: 'The credential may be used from certain addresses only, and this is none of them.',
    remedy: 'Call from one of those, or have an operator make a credential for yours.',
  },
  session_ended: {
    means: 'The token is genuine, and its session has ended. The answer says why, and when.',
    remedy: 'Sign in again.',
  },
  invalid_credentials: {
    means: 'The user name or the password is wrong, or the user may not sign in. Which of them is not told.',
    remedy: 'Check both. If they are right, ask an operator whether the user is active and may use a password.',
  },
  locked_out: {
    means: 'There were too many wrong passwords for this user from this address.',
    remedy: 'Wait as long as Retry-After says. An administrator can end the lockout.',
  },
  rate_limited: {
    means: 'There were too many requests of this kind.',
    remedy: 'Wait as long as Retry-After says, then go on more slowly.',
  },
  forbidden: {
    means:
      'The caller is known, and may not do this: a scope or a role is missing, or it is about somebody of a higher role.',
    remedy: 'Use a credential that has what the answer names under “needed”.',
  },
  confirmation_needed: {
    means: 'The caller may do it, but has not proved within the last five minutes who it is.',
    remedy:
      'In the operators’ console show the token again (POST /operator/console-sessions/current/confirm); as an administrator of a store sign in again. Then repeat the request.',
  },
  origin_not_allowed: {
    means: 'A request that uses or sets the cookie came from a page of a site that is not allowed.',
    remedy: 'Have the site’s origin added to ALLOWED_ORIGINS, or send the token as a bearer token.',
  },
  identity_store_not_found: {
    means: 'There is no such identity store, or it was deleted.',
    remedy: 'Check the id in the path, or those that the answer names as identity_store_ids.',
  },
  user_not_found: { means: 'There is no such user in this identity store.', remedy: 'Check the id.' },
  user_disabled: {
    means: 'The user is disabled: no session can be opened.',
    remedy: 'An operator can make the user active again.',
  },
  precondition_failed: {
    means: 'What you wanted to change has another version than the one in `If-Match`: somebody changed it meanwhile.',
    remedy: 'Read it again, and decide anew.',
  },
  idempotency_key_reused: {
    means: 'You used this `Idempotency-Key` for another request within the last 24 hours.',
    remedy: 'Make a new key for each thing that is to be done, and send the same body with it each time.',
  },
  idempotent_request_running: {
    means: 'A request with this `Idempotency-Key` is still being answered, or broke off less than two minutes ago.',
    remedy: 'Send it again after `Retry-After`: you are given its answer.',
  },
  group_config_not_found: {
    means: 'The group has no session config of its own.',
    remedy: 'Check the id of the group.',
  },
  job_not_found: {
    means: 'There is no such job, or it is over and nothing of it is kept any more.',
    remedy: 'List the jobs. What a job ended stays known for a day.',
  },
  event_endpoint_not_found: {
    means: 'The identity store has no such event endpoint.',
    remedy: 'List the endpoints.',
  },
  more_than_expected: {
    means: 'Over 10 % more sessions fit the filter now than you said you saw: `count`. Nothing was ended.',
    remedy: 'Look at the sessions again, and send the request with the number of now.',
  },
  config_version_not_found: {
    means: 'The session config had no such version, or it is not kept.',
    remedy: 'List the versions.',
  },
  lockout_not_found: {
    means: 'The identity store has no such lockout in force. It may be over.',
    remedy: 'List the lockouts again.',
  },
  session_limit_reached: {
    means: 'The user has as many sessions as the policy allows, and it ends none unasked. The password was right.',
    remedy: 'Show the `sessions` to the user, and sign in again with `end_sessions` naming those that are to end.',
  },
  session_not_found: {
    means: 'The user has no such live session. It may have ended.',
    remedy: 'List the sessions again.',
  },
  credential_not_found: { means: 'There is no such credential, or it is not known here.', remedy: 'Check the id.' },
  openid_provider_not_found: {
    means: 'The identity store has no OpenID provider.',
    remedy: 'Set one with PUT on the same path.',
  },
  conflict: {
    means: 'The change clashes with what is there. The answer says with what.',
    remedy: 'Read the present state, and decide anew.',
  },
  unavailable: {
    means: 'Something that the service depends on does not answer. Nothing is known to have been done.',
    remedy: 'Wait as long as Retry-After says, and send the request again.',
  },
  internal_error: {
    means: 'A fault of this service. It was logged under the request id.',
    remedy: 'Report it with the request id. Before you repeat a change, look whether it was made.',
  },
}

let built: string | undefined

/** The page. It needs no script and no style of its own. */
export function problemsPage(): Response {
  built ??= page()
  return new Response(built, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'public, max-age=300',
      'cross-origin-opener-policy': 'same-origin',
    },
  })
}

function page(): string {
  const paragraphs = Object.entries(PARAGRAPHS).map(
    ([code, { means, remedy }]) =>
      `<h2 id="${code}"><code>${code}</code></h2>\n<p>${means} <em>What to do:</em> ${remedy}</p>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Problems · Latchkey</title>
<h1>Problems</h1>
<p>What a refusal means, by its <code>code</code>. <a href="/docs">The reference</a></p>
${paragraphs.join('\n')}
</html>
`
}

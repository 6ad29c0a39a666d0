/** The sign-in form, and what is said above it. */
import { END_SENTENCES } from '../../domain/end-sentences.ts'
import type { SessionError } from '../../domain/errors.ts'
import { lastClient } from '../../domain/session.ts'
import type { SessionView } from '../../domain/session-view.ts'
import type { RequestContext } from '../context.ts'
import { sentenceOf, statusOf } from './errors.ts'
import { type Html, html } from './html.ts'
import { type Page, pageResponse } from './page.ts'
import { ago, deviceWords } from './words.ts'

export interface SignInView {
  /** Where to go on to, whole; null: to the devices. */
  readonly target: URL | null
  /** The origin of `target`, if it is not our own. */
  readonly otherOrigin: string | null
  /** What was typed before. */
  readonly username?: string
  /** What came of a try, or of looking for a session: one that ended says why. */
  readonly error?: SessionError
  readonly signedIn?: true
  readonly signedOut?: true
}

/** The page. Its status is that of the error, if there is one. */
export function signInPage(view: SignInView, context: RequestContext, status = 200): Response {
  const { target, signedIn, error } = view
  const how: Pick<Page, 'status' | 'headers'> = error === undefined || isNews(error) ? { status } : statusOf(error)
  const main = html`<h1>Sign in</h1>
${notice(view, context.now)}${signedIn ? signedInNote(target) : null}
${form(view, context.now)}`
  return pageResponse({ title: 'Sign in', main, narrow: true, ...how, formLeadsTo: view.otherOrigin }, context)
}

/** Whether an error says what happened before the user tried anything, and not what came of a try. */
function isNews({ code }: SessionError): boolean {
  return code === 'session_ended' || code === 'unauthenticated' || code === 'wrong_token_kind'
}

function notice({ error, signedOut }: SignInView, now: number): Html | null {
  if (error?.code === 'session_ended' && error.reason !== 'logout') {
    return html`<div class="note" role="status">
<p><strong>Your session has ended.</strong> ${END_SENTENCES[error.reason]}</p>
<p class="soft">That was ${ago(error.endedAt, now)}.</p>
</div>`
  }
  if (signedOut || error?.code === 'session_ended') {
    return html`<div class="note" role="status"><p>You are signed out.</p></div>`
  }
  return error === undefined || isNews(error)
    ? null
    : html`<div class="note warn" role="alert"><p id="problem">${sentenceOf(error)}</p></div>`
}

function signedInNote(target: URL | null): Html {
  return html`<div class="note" role="status">
<p>You are signed in already.</p>
<nav aria-label="Go on">${target === null ? null : html`<a href="${target.href}">Go on</a>`} <a href="/devices">Your devices</a></nav>
<p class="soft">Signing in as somebody else ends that session.</p>
</div>`
}

function form({ target, username = '', error }: SignInView, now: number): Html {
  const action = target === null ? '/sign-in' : `/sign-in?return_to=${encodeURIComponent(target.href)}`
  const wrong = error !== undefined && !isNews(error) ? html` aria-describedby="problem"` : null
  return html`<form class="card" method="post" action="${action}">
<label for="username">User name</label>
<input type="text" id="username" name="username" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" required${wrong}>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" maxlength="1024" required${wrong}>
${error?.code === 'session_limit_reached' ? choice(error.sessions, now) : null}
<label class="check"><input type="checkbox" name="persistent" value="on"><span>Stay signed in on this device <span class="soft">(also when the browser was closed, where that is allowed)</span></span></label>
<button class="main wide">Sign in</button>
</form>`
}

function choice(sessions: readonly SessionView[], now: number): Html {
  return html`<fieldset>
<legend>Which sessions shall end?</legend>
${sessions.map(
  ({ session }) =>
    html`<label class="check"><input type="checkbox" name="${session.id}" value="on"><span>${deviceWords(lastClient(session).userAgent).name} <span class="soft">last active ${ago(session.lastSeenAt, now)}</span></span></label>`,
)}
</fieldset>`
}

/** What the page `/devices` shows. */

import type { z } from 'zod'
import { END_SENTENCES } from '../../domain/end-sentences.ts'
import type { SessionError } from '../../domain/errors.ts'
import { lastClient } from '../../domain/session.ts'
import type { SessionView } from '../../domain/session-view.ts'
import type { CheckedSession } from '../../sessions/object/calls.ts'
import type { EndedSession, UserHistory } from '../../store/user-history.ts'
import { sentenceOf } from './errors.ts'
import { type Html, html } from './html.ts'
import type { DevicesForm, DevicesQuery } from './schemas.ts'
import { ago, deviceWords, howWords, placeWords } from './words.ts'

/** What the user is to sign in again for. */
export interface Confirmation {
  readonly form: z.infer<typeof DevicesForm>
  /** What came of a try. */
  readonly error: SessionError | null
  /** Whether the user has a password that is checked here; null where nobody can tell now. */
  readonly byPassword: boolean | null
}

export interface DevicesView {
  readonly now: number
  readonly current: CheckedSession
  /** Newest first. */
  readonly others: readonly SessionView[]
  /** Whether there are older ones than these. */
  readonly moreOthers: boolean
  /** Null where it cannot be read now. */
  readonly history: UserHistory | null
  readonly user: { readonly name: string | null; readonly username: string | null } | null
  readonly query: z.infer<typeof DevicesQuery>
  readonly error: SessionError | null
  readonly confirmation: Confirmation | null
}

/** Above the page: who is signed in, and the way out. */
export function devicesHeader({ user }: DevicesView): Html {
  const who = [user?.name, user?.username].filter(Boolean).join(' · ')
  return html`<header>
<p>${who === '' ? 'Signed in' : html`<span class="soft">Signed in as</span> <strong>${who}</strong>`}</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>
</header>`
}

/** The page's main part. */
export function devicesMain(view: DevicesView): Html {
  const { current, others, moreOthers, history, query, now } = view
  const isFirstPage = query.before === undefined
  return html`${notices(view)}
<h1>Your devices</h1>
<p>Where you are signed in. A session is one sign-in in one browser or app; a device can have several.</p>
${previousSignIn(history, now)}
<h2 id="this">This device</h2>
<article class="card current" aria-labelledby="current">${sessionFacts(current, now, 'current')}</article>
<h2 id="others">Other devices</h2>
${others.length === 0 && isFirstPage ? html`<p>You are signed in nowhere else.</p>` : endOthers(others.length, isFirstPage && !moreOthers)}
${others.length === 0 && !isFirstPage ? html`<p>There are no older sessions.</p>` : null}
${others.length === 0 ? null : html`<ul aria-labelledby="others">${others.map((other) => otherSession(other, now))}</ul>`}
${pages('others', isFirstPage, moreOthers ? (others.at(-1)?.session.id ?? null) : null, 'before')}
<h2 id="ended">Ended in the last 28 days</h2>
${ended(view)}`
}

function notices({ query, error, confirmation }: DevicesView): Html | null {
  if (confirmation !== null) return confirmationForm(confirmation)
  if (error !== null) return html`<div class="note warn" role="alert"><p>${sentenceOf(error)}</p></div>`
  const count = query.ended === undefined ? null : query.ended === 1 ? '1 session has' : `${query.ended} sessions have`
  switch (query.done) {
    case 'end':
      return html`<div class="note" role="status"><p>The session has ended.</p></div>`
    case 'end_others':
      return html`<div class="note" role="status"><p>${count === null ? 'All other sessions have' : count} ended. You are signed in here only.</p></div>`
    case 'not_me':
      return html`<div class="note warn" role="status">
<p><strong>${count === null ? 'All other sessions have' : count} ended. You are signed in here only.</strong></p>
<p>Whoever it was may know your password. Do this now:</p>
<ol>
<li>Change your password, where you use to change it, or have an administrator give you a new one. That ends every session that is still open.</li>
<li>If you use the same password elsewhere, change it there too.</li>
<li>Tell your administrator what you saw. It was noted under your name.</li>
</ol>
</div>`
    case undefined:
      return null
  }
}

const ASKED = {
  end: 'the session ends',
  end_others: 'all your other sessions end',
  not_me: 'that session and all your others end',
} as const

function confirmationForm({ form, error, byPassword }: Confirmation): Html {
  const { act, session_id: sessionId, username } = form
  const why = html`<h2 id="again">Sign in again to go on</h2>
<p>Your sign-in is some time ago. Before ${ASKED[act]}, show that it is you.</p>`
  if (byPassword === false) {
    return html`<section class="note" aria-labelledby="again">${why}
<p>You do not sign in with a password here: sign out, sign in as you always do, and come back to this page.</p>
</section>`
  }
  // Browsers' password managers want the user name beside the password.
  return html`<section class="note" aria-labelledby="again">${why}
${error === null ? null : html`<p role="alert" id="problem"><strong>${sentenceOf(error)}</strong></p>`}
<form method="post" action="/devices">
<input type="hidden" name="act" value="${act}">
${sessionId === undefined ? null : html`<input type="hidden" name="session_id" value="${sessionId}">`}
<label for="username">User name</label>
<input type="text" id="username" name="username" value="${username ?? ''}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" required${username === undefined ? null : html` readonly`}>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" maxlength="1024" required autofocus${error === null ? null : html` aria-describedby="problem"`}>
<div class="acts"><button class="main">Sign in and go on</button></div>
</form>
<p><a href="/devices">Leave everything as it is</a></p>
</section>`
}

function previousSignIn(history: UserHistory | null, now: number): Html | null {
  const previous = history?.previous
  if (previous === undefined || previous === null) return null
  return html`<p class="soft">Your last sign-in before this one: ${ago(previous.openedAt, now)}, ${deviceWords(previous.client.userAgent).name}.</p>`
}

function sessionFacts({ session, persistentCookie }: SessionView, now: number, id: string): Html {
  const client = lastClient(session)
  const { name, kind } = deviceWords(client.userAgent)
  const place = placeWords(session.location)
  const isCurrent = id === 'current'
  return html`<div class="head">${icon(kind)}<div><h3 id="${id}">${name}</h3><p>${isCurrent ? html`<span class="tag">This device</span>` : html`<span class="soft">${kind}</span>`}</p></div></div>
<dl>
<div><dt>Last active</dt><dd>${ago(session.lastSeenAt, now)}</dd></div>
<div><dt>Signed in</dt><dd>${ago(session.openedAt, now)}</dd></div>
<div><dt>How</dt><dd>${howWords(session.credentialsType)}${persistentCookie ? ', stays signed in' : null}</dd></div>
${place === null ? null : html`<div><dt>Place</dt><dd>${place}</dd></div>`}
${client.address === null ? null : html`<div><dt>Address</dt><dd>${client.address}</dd></div>`}
</dl>`
}

function otherSession(view: SessionView, now: number): Html {
  const { id } = view.session
  const which = html`<input type="hidden" name="session_id" value="${id}">`
  const { name } = deviceWords(lastClient(view.session).userAgent)
  return html`<li class="card"><article aria-labelledby="s-${id}">${sessionFacts(view, now, `s-${id}`)}
<div class="acts">
<form method="post" action="/devices"><input type="hidden" name="act" value="end">${which}<button>End session<span class="unseen"> on ${name}</span></button></form>
<details><summary>This was not me<span class="unseen"> on ${name}</span></summary>
<p>This ends that session and all your others but this one, and then says what to do about your password.</p>
<form method="post" action="/devices"><input type="hidden" name="act" value="not_me">${which}<button class="danger">It was not me: end everything else</button></form>
</details>
</div></article></li>`
}

function endOthers(shown: number, areAll: boolean): Html {
  const reach = areAll
    ? shown === 1
      ? '1 session ends.'
      : `${shown} sessions end.`
    : 'Every other session of yours ends.'
  return html`<details><summary>Sign out everywhere else</summary>
<p>${reach} You stay signed in here.</p>
<form method="post" action="/devices"><input type="hidden" name="act" value="end_others"><button class="danger">${areAll && shown > 1 ? `End ${shown} sessions` : 'End all others'}</button></form>
</details>`
}

function ended({ history, query, now }: DevicesView): Html {
  if (history === null) return html`<p>What has ended cannot be shown just now. What is above is exact.</p>`
  const isFirstPage = query.ended_before === undefined
  const nothing = isFirstPage ? 'No session of yours has ended.' : 'There are no older ones.'
  return html`${history.ended.length === 0 ? html`<p>${history.nextBefore === null ? nothing : 'None among the newest.'}</p>` : html`<ul aria-labelledby="ended">${history.ended.map((session) => endedSession(session, now))}</ul>`}
${pages('ended', isFirstPage, history.nextBefore, 'ended_before')}
${history.ended.length === 0 ? null : html`<p class="soft">Is there one that was not yours? Sign out everywhere else, and change your password.</p>`}`
}

function endedSession({ sessionId, client, openedAt, endedAt, reason }: EndedSession, now: number): Html {
  const { name, kind } = deviceWords(client.userAgent)
  return html`<li class="card"><article aria-labelledby="e-${sessionId}"><div class="head">${icon(kind)}<div><h3 id="e-${sessionId}">${name}</h3><p>Ended ${ago(endedAt, now)}. ${END_SENTENCES[reason]}</p>
<p class="soft">Signed in ${ago(openedAt, now)}${client.address === null ? null : `, address ${client.address}`}</p></div></div></article></li>`
}

/** The way to older entries of a list, and back to the newest. */
function pages(list: string, isFirst: boolean, nextBefore: string | null, parameter: string): Html | null {
  if (isFirst && nextBefore === null) return null
  return html`<nav aria-label="${list === 'ended' ? 'More ended sessions' : 'More devices'}">
${isFirst ? null : html`<a href="/devices#${list}">Newest</a>`}
${nextBefore === null ? null : html`<a href="/devices?${parameter}=${nextBefore}#${list}">Older ones</a>`}
</nav>`
}

const SCREEN = html`<path d="M3 5h18v11H3zM9 20h6M12 16v4"/>`
const PHONE = html`<path d="M7 3h10v18H7zM11 18h2"/>`
const OTHER = html`<path d="M4 5h16v14H4zM7 9l3 3-3 3M12 15h4"/>`

function icon(kind: ReturnType<typeof deviceWords>['kind']): Html {
  const shape = kind === 'Computer' ? SCREEN : kind === 'Other' ? OTHER : PHONE
  return html`<svg viewBox="0 0 24 24" aria-hidden="true">${shape}</svg>`
}

/** The frame of every page, which counts down before the session ends. */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { Session } from 'latchkey'

const countdown = html`<script type="module">
  import { watchSession } from '/browser.js'
  const warning = document.getElementById('warning')
  watchSession({
    url: '/session',
    onWarning: (secondsLeft) => { warning.textContent = 'Signed out in ' + secondsLeft + ' s' },
    onSafe: () => { warning.textContent = '' },
    onEnd: (reason) => { warning.textContent = 'Signed out: ' + reason },
  })
</script>`

type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** A page. Who is signed in may sign out, and is warned. */
export function page(session: Session | null, content: Html): Html {
  return html`<!doctype html>
    <title>Pie</title>
    <nav><a href="/account">Account</a> <a href="/transfer">Transfer</a> <a href="/devices">Devices</a></nav>
    ${
      session === null
        ? html`<a href="/sign-in">Sign in</a>`
        : html`<form method="post" action="/sign-out"><button>Sign out</button></form><p id="warning"></p>${countdown}`
    }
    ${content}`
}

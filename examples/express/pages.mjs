// The frame of every page, which counts down before the session ends.

/** Text in HTML. */
export const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const COUNTDOWN = `<script type="module">
  import { watchSession } from '/latchkey/browser.js'
  const warning = document.getElementById('warning')
  watchSession({
    url: '/session',
    onWarning: (secondsLeft) => { warning.textContent = 'Signed out in ' + secondsLeft + ' s' },
    onSafe: () => { warning.textContent = '' },
    onEnd: (reason) => { warning.textContent = 'Signed out: ' + reason },
  })
</script>`

/** A page. Who is signed in may sign out, and is warned. `content` is HTML. */
export function page(session, content) {
  const own =
    session === null
      ? '<a href="/sign-in">Sign in</a>'
      : `<form method="post" action="/sign-out"><button>Sign out</button></form><p id="warning"></p>${COUNTDOWN}`
  return `<!doctype html>
<title>Pie</title>
<nav><a href="/account">Account</a> <a href="/transfer">Transfer</a> <a href="/devices">Devices</a></nav>
${own}
${content}`
}

/** The form to sign in; `next` is where to go then. */
export function signInForm(next = '/', problem = '') {
  return `<p id="problem">${escaped(problem)}</p>
<form method="post" action="/sign-in">
  <input type="hidden" name="next" value="${escaped(next)}">
  <input name="username" placeholder="ada"><input name="password" type="password"><button>Sign in</button>
</form>`
}

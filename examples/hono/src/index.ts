/** An application on Hono: sign-in, a page for users, a step that asks for a fresh sign-in, and the user's devices. */
import { Hono } from 'hono'
import { csrf } from 'hono/csrf'
import { html } from 'hono/html'
import { clearSessionCookie, createClient, sessionCookie } from 'latchkey'
import type { SessionsBinding } from 'latchkey/binding'
import { clientOf, requireSession, sessionMiddleware, tokenOf } from 'latchkey/hono'
import { page } from './pages.ts'
import { verifiedUser } from './users.ts'

interface Bindings {
  readonly LATCHKEY: SessionsBinding
}

const latchkey = ({ env }: { readonly env: Bindings }) => createClient({ binding: env.LATCHKEY })

const app = new Hono<{ Bindings: Bindings }>()

// Whatever changes something must come from a page of our own.
app.use(csrf())

// Looks at the session without being activity: for the script that counts down.
app.get(
  '/session',
  sessionMiddleware(latchkey, { touch: (c) => c.req.query('touch') !== 'false' }),
  requireSession(),
  (c) => c.json(c.var.session),
)

// Most pages may know a session that has ended for five more seconds, and cost no call to it.
app.use(sessionMiddleware(latchkey, { maxAge: 5 }))

app.get('/', (c) => c.html(page(c.var.session, html`<p>Everybody may read this.</p>`)))

app.get('/sign-in', (c) => c.html(page(c.var.session, signInForm(c.req.query('next')))))

app.post('/sign-in', async (c) => {
  const { username = '', password = '', next = '/' } = (await c.req.parseBody()) as Record<string, string>
  const userId = await verifiedUser(username, password)
  if (userId === null) return c.html(page(null, signInForm(next, 'Wrong user name or password.')), 401)
  const { sessions } = latchkey(c)
  const opened = await sessions.open({ userId, client: clientOf(c) })
  if (!opened.ok) return c.html(page(null, signInForm(next, `Not signed in: ${opened.code}.`)), 409)
  // Who signs in anew has a new session, and the old one is over.
  const before = tokenOf(c)
  if (before !== null) await sessions.end(before)
  c.header('set-cookie', sessionCookie(opened.session, opened.token))
  return c.redirect(/^\/(?![/\\])/.test(next) ? next : '/', 303)
})

app.post('/sign-out', async (c) => {
  const token = tokenOf(c)
  if (token !== null) await latchkey(c).sessions.end(token)
  c.header('set-cookie', clearSessionCookie())
  return c.redirect('/', 303)
})

app.get('/account', requireSession({ signInPage: '/sign-in' }), (c) => {
  const { userId, openedAt } = c.var.session
  return c.html(page(c.var.session, html`<p id="account">You are ${userId}, signed in since ${openedAt}.</p>`))
})

// Strict, and only for who signed in within ten minutes.
app.get('/transfer', requireSession({ maxAge: 0, signedInWithin: '10m', signInPage: '/sign-in' }), (c) =>
  c.html(page(c.var.session, html`<p id="transfer">Here money is moved.</p>`)),
)

app.get('/devices', requireSession({ maxAge: 0, signInPage: '/sign-in' }), async (c) => {
  const list = await latchkey(c).sessions.listOwn(tokenOf(c) ?? '', { client: clientOf(c) })
  if (!list.ok) return c.text(list.code, 503)
  const rows = list.sessions.map(
    ({ id, current, browser, address, lastSeenAt }) =>
      html`<li>${browser ?? 'unknown'}, ${address ?? 'unknown'}, ${lastSeenAt} ${
        current
          ? html`(this one)`
          : html`<form method="post" action="/devices/${id}/end"><button>Sign out</button></form>`
      }</li>`,
  )
  return c.html(page(c.var.session, html`<ul id="devices">${rows}</ul>`))
})

app.post('/devices/:id/end', requireSession({ maxAge: 0 }), async (c) => {
  await latchkey(c).sessions.endOwn(tokenOf(c) ?? '', c.req.param('id'))
  return c.redirect('/devices', 303)
})

function signInForm(next = '/', problem = '') {
  return html`<p id="problem">${problem}</p>
    <form method="post" action="/sign-in">
      <input type="hidden" name="next" value="${next}" />
      <input name="username" placeholder="ada" /><input name="password" type="password" /><button>Sign in</button>
    </form>`
}

export default app

// An application on Express: sign-in, a page for users, a step that asks for a fresh sign-in, and the user's devices.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { clearSessionCookie, createClient, sessionCookie } from 'latchkey'
import { clientOf, requireSession, sessionMiddleware, sessionOf, tokenOf } from 'latchkey/express'
import { escaped, page, signInForm } from './pages.mjs'
import { verifiedUser } from './users.mjs'

const { LATCHKEY_URL, LATCHKEY_CREDENTIAL, PORT = '8789' } = process.env
const latchkey = createClient({ baseUrl: LATCHKEY_URL, credential: LATCHKEY_CREDENTIAL })
const { sessions } = latchkey

const app = express()
app.use('/latchkey', express.static(dirname(fileURLToPath(import.meta.resolve('latchkey/browser')))))
app.use(express.urlencoded({ extended: false }))

// Whatever changes something must come from a page of our own.
app.use((request, response, next) => {
  const from = request.headers['sec-fetch-site'] ?? 'same-origin'
  if (request.method === 'GET' || from === 'same-origin') next()
  else response.status(403).send('A foreign page asks.')
})

// Looks at the session without being activity: for the script that counts down.
const look = sessionMiddleware(latchkey, { touch: (request) => !request.originalUrl.endsWith('touch=false') })
app.get('/session', look, requireSession(), (request, response) => {
  response.json(sessionOf(request))
})

// Most pages may know a session that has ended for five more seconds, and cost no call to it.
app.use(sessionMiddleware(latchkey, { maxAge: 5 }))

app.get('/', (request, response) => {
  response.send(page(sessionOf(request), '<p>Everybody may read this.</p>'))
})

app.get('/sign-in', (request, response) => {
  response.send(page(sessionOf(request), signInForm(request.query.next)))
})

app.post('/sign-in', async (request, response) => {
  const { username, password, next = '/' } = request.body
  const userId = await verifiedUser(username, password)
  if (userId === null) return response.status(401).send(page(null, signInForm(next, 'Wrong user name or password.')))
  const opened = await sessions.open({ userId, client: clientOf(request) })
  if (!opened.ok) return response.status(409).send(page(null, signInForm(next, `Not signed in: ${opened.code}.`)))
  // Who signs in anew has a new session, and the old one is over.
  const before = tokenOf(request)
  if (before !== null) await sessions.end(before)
  response.append('set-cookie', sessionCookie(opened.session, opened.token))
  response.redirect(303, /^\/(?![/\\])/.test(next) ? next : '/')
})

app.post('/sign-out', async (request, response) => {
  const token = tokenOf(request)
  if (token !== null) await sessions.end(token)
  response.append('set-cookie', clearSessionCookie())
  response.redirect(303, '/')
})

app.get('/account', requireSession({ signInPage: '/sign-in' }), (request, response) => {
  const { userId, openedAt } = sessionOf(request)
  response.send(page(sessionOf(request), `<p id="account">You are ${userId}, signed in since ${openedAt}.</p>`))
})

// Strict, and only for who signed in within ten minutes.
const fresh = requireSession({ maxAge: 0, signedInWithin: '10m', signInPage: '/sign-in' })
app.get('/transfer', fresh, (request, response) => {
  response.send(page(sessionOf(request), '<p id="transfer">Here money is moved.</p>'))
})

const strict = requireSession({ maxAge: 0, signInPage: '/sign-in' })
app.get('/devices', strict, async (request, response) => {
  const list = await sessions.listOwn(tokenOf(request), { client: clientOf(request) })
  if (!list.ok) return response.status(503).send(list.code)
  const rows = list.sessions.map(({ id, current, browser, address, lastSeenAt }) => {
    const end = `<form method="post" action="/devices/${id}/end"><button>Sign out</button></form>`
    const client = escaped(`${browser ?? 'unknown'}, ${address ?? 'unknown'}, ${lastSeenAt}`)
    return `<li>${client} ${current ? '(this one)' : end}</li>`
  })
  response.send(page(sessionOf(request), `<ul id="devices">${rows.join('')}</ul>`))
})

app.post('/devices/:id/end', strict, async (request, response) => {
  await sessions.endOwn(tokenOf(request), request.params.id)
  response.redirect(303, '/devices')
})

app.listen(PORT, '127.0.0.1', () => console.log(`Ready on http://localhost:${PORT}`))

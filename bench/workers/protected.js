// One route of a Hono application, protected by each of those who are compared, and by nobody.
import { createClerkClient } from '@clerk/backend'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { Hono } from 'hono'
import { createClient } from 'latchkey'
import { requireSession, sessionMiddleware } from 'latchkey/hono'

/** Made at the first request: what is needed comes with it. */
const once = (make) => {
  let made
  return (c) => {
    made ??= make(c)
    return made
  }
}

const overHttp = once((c) =>
  createClient({ baseUrl: c.req.header('x-service'), credential: c.req.header('x-credential') }),
)
const overBinding = (c) => createClient({ binding: c.env.LATCHKEY })
const authOptions = (c) => ({
  database: c.env.AUTH_DB,
  baseURL: new URL(c.req.url).origin,
  basePath: '/auth',
  secret: 'a secret for a benchmark, 32 bytes',
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  logger: { level: 'error' },
})
const auth = once((c) => betterAuth(authOptions(c)))
const clerk = once((c) => {
  const { CLERK_PUBLISHABLE_KEY: publishableKey, CLERK_JWT_KEY: jwtKey } = c.env
  return createClerkClient({ secretKey: 'sk_test_bench', publishableKey, jwtKey, telemetry: { disabled: true } })
})

const app = new Hono()
app.get('/none', (c) => c.text('in'))

for (const [way, client] of [
  ['http', overHttp],
  ['bound', overBinding],
]) {
  for (const maxAge of [0, 5]) {
    const path = `/${way}/${maxAge}`
    app.get(path, sessionMiddleware(client, { maxAge }), requireSession(), (c) => c.text(c.var.session.userId))
  }
}

app.get('/migrate', async (c) => {
  const { runMigrations } = await getMigrations(authOptions(c))
  await runMigrations()
  return c.text('done')
})
app.all('/auth/*', (c) => auth(c).handler(c.req.raw))
app.get('/better-auth', async (c) => {
  const session = await auth(c).api.getSession({ headers: c.req.raw.headers })
  return session === null ? c.text('nobody', 401) : c.text(session.user.id)
})

app.get('/clerk', async (c) => {
  const state = await clerk(c).authenticateRequest(c.req.raw)
  return state.isAuthenticated ? c.text(state.toAuth().userId) : c.text(state.reason ?? '', 401)
})

export default app

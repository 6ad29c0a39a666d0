// better-auth as its documentation sets it up on D1, twice: without its cookie cache and with it. No hashing.
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'

const instances = new Map()

function instance(env, origin, basePath) {
  let auth = instances.get(basePath)
  if (auth === undefined) {
    auth = betterAuth(options(env, origin, basePath))
    instances.set(basePath, auth)
  }
  return auth
}

function options(env, origin, basePath) {
  return {
    database: env.DB,
    baseURL: origin,
    basePath,
    secret: env.SECRET,
    emailAndPassword: {
      enabled: true,
      password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password },
    },
    session: { cookieCache: { enabled: basePath === '/cached', maxAge: 3600 } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'error' },
  }
}

export default {
  async fetch(request, env) {
    const { pathname, origin } = new URL(request.url)
    if (pathname === '/migrate') {
      const { runMigrations } = await getMigrations(options(env, origin, '/d1'))
      await runMigrations()
      return new Response('done')
    }
    return instance(env, origin, pathname.startsWith('/cached/') ? '/cached' : '/d1').handler(request)
  },
}

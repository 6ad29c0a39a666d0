// better-auth as its documentation sets it up on D1, three times: without its cookie cache and with it, both without
// hashing, and with the hash that Latchkey makes.
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { counted } from './counted.js'

const instances = new Map()

const scrypt = (password, salt) => scryptSync(password, salt, 32, { N: 16_384, r: 8, p: 5, maxmem: 2 ** 26 })
const HASHED = {
  hash: async (password) => {
    const salt = randomBytes(16)
    return `${salt.toString('hex')}:${scrypt(password, salt).toString('hex')}`
  },
  verify: async ({ hash, password }) => {
    const [salt, expected] = hash.split(':').map((hex) => Buffer.from(hex, 'hex'))
    return timingSafeEqual(scrypt(password, salt), expected)
  },
}
const NOT_HASHED = { hash: async (password) => password, verify: async ({ hash, password }) => hash === password }

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
      password: basePath === '/hashed' ? HASHED : NOT_HASHED,
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
    const basePath = ['/cached', '/hashed'].find((path) => pathname.startsWith(`${path}/`)) ?? '/d1'
    if (request.headers.has('x-count-trips')) {
      return counted(request, env, (bindings) => betterAuth(options(bindings, origin, basePath)).handler)
    }
    if (pathname === '/migrate') {
      const { runMigrations } = await getMigrations(options(env, origin, '/d1'))
      await runMigrations()
      return new Response('done')
    }
    return instance(env, origin, basePath).handler(request)
  },
}

// A route of a Hono application, protected by Latchkey's client, by others, and by nobody.
import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { cookiesOf, mustBe } from './answers.mjs'
import { serveLatchkey } from './latchkey.mjs'

const APPLICATION = 'protected'
const SCOPES = ['sessions:open', 'sessions:introspect', 'sessions:revoke']
const CLERK_HOST = 'clerk.pie.example'
const PASSWORD = 'correct horse battery staple'

/** Starts the contenders. Answers their scenarios and how to stop them. */
export async function startProtected() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const service = await serveLatchkey({
    beside: (identityStoreId) => ({
      name: APPLICATION,
      entry: 'bench/workers/protected.js',
      d1Databases: { AUTH_DB: 'better-auth' },
      serviceBindings: {
        LATCHKEY: { name: 'latchkey', entrypoint: 'SessionsEntrypoint', props: { identityStoreId, scopes: SCOPES } },
      },
      bindings: {
        CLERK_PUBLISHABLE_KEY: `pk_test_${btoa(`${CLERK_HOST}$`)}`,
        CLERK_JWT_KEY: publicKey.export({ type: 'spki', format: 'pem' }),
      },
    }),
  })
  const url = await service.urlOf(APPLICATION)
  const credential = { kind: 'bearer', name: 'application', scopes: SCOPES }
  const { token: bearer } = await service.operate('POST', '/credentials', credential)
  const [session] = await service.open(await service.makeUsers('visitor', 1))
  const own = { cookie: `__Host-sessionid=${session}`, 'x-service': service.url, 'x-credential': bearer }

  await mustBe(200, fetch(`${url}/migrate`))
  const signUp = await fetch(`${url}/auth/sign-up/email`, {
    method: 'POST',
    headers: { origin: url, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'visitor@pie.example', password: PASSWORD, name: 'Visitor' }),
  })
  const theirs = { cookie: cookiesOf(await mustBe(200, signUp)) }

  const jwt = await new SignJWT({ sid: 'sess_visitor' })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'ins_bench' })
    .setIssuer(`https://${CLERK_HOST}`)
    .setSubject('user_visitor')
    .setIssuedAt()
    .setNotBefore('0 s')
    .setExpirationTime('12 h')
    .sign(privateKey)

  const scenarios = {}
  for (const [key, path, headers] of [
    ['hono_none', '/none', {}],
    ['hono_bound_aged', '/bound/5', own],
    ['hono_bound', '/bound/0', own],
    ['hono_http_aged', '/http/5', own],
    ['hono_http', '/http/0', own],
    ['hono_clerk', '/clerk', { authorization: `Bearer ${jwt}` }],
    ['hono_better_auth', '/better-auth', theirs],
  ]) {
    await mustBe(200, fetch(url + path, { headers }))
    if (path !== '/none') await mustBe(401, fetch(url + path, { headers: { 'x-service': service.url } }))
    scenarios[key] = { url, pid: service.pid, status: 200, requests: [{ path, headers }] }
  }
  return { scenarios, stop: service.stop }
}

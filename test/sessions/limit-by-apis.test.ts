/** A limit holds whatever API a session is opened by, and whatever is to happen where it is reached. */
import { runInDurableObject } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeEach, expect, test, vi } from 'vitest'
import { clientKind } from '../../src/domain/client-kind.ts'
import { WHEN_LIMIT_REACHED } from '../../src/domain/policy.ts'
import type { SessionsEntrypoint } from '../../src/index.ts'
import { apio, login, sessionFor } from '../api/apio/requests.ts'
import { rowsOf, userObject } from '../support/objects.ts'
import { send } from '../support/requests.ts'
import { makeBearer, makeOperator, makeStore, makeUser, type TestUser } from '../support/stores.ts'

const OPENS = 204
const LIMIT = 4
const PHONES = 1
const USER_AGENTS = ['Mozilla/5.0 (iPhone) Mobile', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0'] as const
const NONCE = 'a nonce of the browser'
/** Whom the provider vouches for. */
let username = ''

beforeEach(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const { origin: issuer, pathname } = new URL(new Request(input as string).url)
    if (pathname === '/jwks') {
      return Response.json({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'one' }] })
    }
    if (pathname !== '/token') return Response.json(metadata(issuer))
    const claims = { iss: issuer, aud: 'latchkey', sub: 'one', nonce: NONCE, email: username, email_verified: true }
    const token = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one' }).setIssuedAt()
    const idToken = await token.setExpirationTime('1m').sign(privateKey)
    return Response.json({ access_token: 'x', token_type: 'Bearer', id_token: idToken })
  })
})

test.each(WHEN_LIMIT_REACHED)(
  `of ${OPENS} opens at once through every API no more than the limit live at any time: %s`,
  async (whenLimitReached) => {
    const clientKindLimits = { web: null, mobile: PHONES }
    const identityStoreId = await makeStore({
      config: { concurrentSessionLimit: LIMIT, whenLimitReached, clientKindLimits },
    })
    const user = await makeUser({ identityStoreId })
    const ways = await waysIn(user)
    await Promise.all(ways.map((open) => open.prepare?.(OPENS / ways.length)))

    const first = await send('/sessions', { json: { username: user.username, password: user.password } })
    expect(first.status).toBe(201)
    await userObject(user).end({ all: 'every kind' }, 'logout', { caller: null, requestId: null })
    await recordEvents(user)
    const answers = await Promise.all(
      Array.from({ length: OPENS }, async (_, index) => {
        const way = ways[index % ways.length] as (typeof ways)[number]
        const nth = Math.floor(index / ways.length)
        return { way: way.name, opened: await way.open(USER_AGENTS[nth % 2] as string, nth) }
      }),
    )
    const live = await liveSessions(user)
    expect(live).toHaveLength(LIMIT)
    expect(live.filter((userAgent) => clientKind(userAgent) === 'mobile').length).toBeLessThanOrEqual(PHONES)
    // An opening and the end that makes room for it are one step: nothing is answered between them.
    const counts = { all: 0, mobile: 0 }
    let isOver = false
    const events = await rowsOf<Event>(user, 'SELECT * FROM test_events ORDER BY rowid')
    for (const { change, user_agent: userAgent } of events) {
      expect([isOver, change]).not.toEqual([true, 1])
      counts.all += change
      counts.mobile += clientKind(userAgent) === 'mobile' ? change : 0
      isOver = counts.all > LIMIT || counts.mobile > PHONES
    }
    expect([isOver, counts.all]).toEqual([false, LIMIT])
    const opened = answers.filter((answer) => answer.opened)
    expect(opened).toHaveLength(whenLimitReached === 'refuse' ? LIMIT : OPENS)
    if (whenLimitReached !== 'refuse') expect(new Set(opened.map(({ way }) => way)).size).toBe(ways.length)
  },
)

/** An opening (1) or an end (-1). */
type Event = { readonly change: number; readonly user_agent: string | null }

/** The object's own record of what happens to sessions, in order. */
function recordEvents(user: TestUser): Promise<void> {
  return runInDurableObject(userObject(user), (_object, state) => {
    state.storage.sql.exec(`
      CREATE TABLE test_events (change INTEGER, user_agent TEXT);
      CREATE TRIGGER test_opened AFTER INSERT ON sessions
        BEGIN INSERT INTO test_events VALUES (1, new.user_agent); END;
      CREATE TRIGGER test_ended AFTER UPDATE ON sessions WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL
        BEGIN INSERT INTO test_events VALUES (-1, new.user_agent); END;`)
  })
}

interface Way {
  readonly name: string
  readonly prepare?: (count: number) => Promise<void>
  /** Tries to open a session. False: the limit refused it; anything else than these two fails. */
  readonly open: (userAgent: string, nth: number) => Promise<boolean>
}

/** Every way in which a user gets a web session. */
async function waysIn(user: TestUser): Promise<readonly Way[]> {
  const { identityStoreId, userId, password, address } = user
  username = user.username
  const owner = await sessionFor(await makeUser({ identityStoreId, role: 'owner' }))
  const bearer = await makeBearer(identityStoreId, ['sessions:open'])
  const issuer = `https://${identityStoreId}.example`
  const redirectUri = `https://app.${identityStoreId}.example/signed-in`
  const provider = await send(`/operator/identity-stores/${identityStoreId}/openid-provider`, {
    method: 'PUT',
    bearer: await makeOperator(),
    json: { issuer, client_id: 'latchkey', client_secret: 'a secret', redirect_uri: redirectUri },
  })
  expect(provider.status).toBe(200)
  const known = await send(`/operator/identity-stores/${identityStoreId}/users/${userId}`, {
    method: 'PATCH',
    bearer: await makeOperator(),
    json: { openid_subject: 'one' },
  })
  expect(known.status).toBe(200)
  const entrypoint = exports.SessionsEntrypoint as unknown as (options: object) => unknown
  const bound = entrypoint({ props: { identityStoreId, scopes: ['sessions:open'] } }) as Pick<
    SessionsEntrypoint,
    'open'
  >
  const loginTokens: unknown[] = []
  return [
    {
      name: 'a password',
      open: async (userAgent) => {
        const json = { username: user.username, password, transport: 'bearer' }
        return opens(await send('/sessions', { address, userAgent, json }), 201)
      },
    },
    {
      name: 'a back end',
      open: async (userAgent) => {
        const json = { user_id: userId, client: { address, user_agent: userAgent } }
        return opens(await send('/sessions', { bearer, json }), 201)
      },
    },
    {
      name: 'a binding',
      open: async (userAgent) => {
        const opened = await bound.open({ userId, client: { address, userAgent } })
        if (!opened.ok) expect(opened.error.code).toBe('session_limit_reached')
        return opened.ok
      },
    },
    { name: 'APIO, a password', open: async (userAgent) => opens((await login(user, { userAgent })).response, 200) },
    {
      name: 'APIO, OpenID',
      open: async (userAgent) => {
        const json = { nonce: NONCE, authorization_code: 'the code', redirect_uri: redirectUri }
        return opens((await apio('/api/v1/openid/login/', { userAgent, json })).response, 200)
      },
    },
    {
      name: 'APIO, a login token',
      prepare: async (count) => {
        for (let made = 0; made < count; made += 1) {
          const json = { username: user.username }
          const { status, body } = await apio('/api/v1/auth_token/generate/', { cookie: owner, json })
          expect(status).toBe(201)
          loginTokens.push(body.loginToken)
        }
      },
      open: async (userAgent, nth) => {
        const json = { loginToken: loginTokens[nth] }
        return opens((await apio('/api/v1/auth_token/login/', { userAgent, json })).response, 200)
      },
    },
  ]
}

function opens({ status, url }: Response, success: number): boolean {
  expect([success, 409], url).toContain(status)
  return status === success
}

/** The user agents of the live web sessions. */
async function liveSessions(user: TestUser): Promise<(string | null)[]> {
  const query = "SELECT user_agent FROM sessions WHERE kind = 'web' AND ended_at IS NULL"
  return (await rowsOf<{ user_agent: string | null }>(user, query)).map(({ user_agent: userAgent }) => userAgent)
}

function metadata(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    authorization_response_iss_parameter_supported: true,
  }
}

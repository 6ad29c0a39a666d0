/** A real OpenID provider on this machine, where one user is always signed in and consents to everything. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'

/** What the provider says of its user. */
export interface Account {
  readonly sub: string
  readonly email: string
  readonly email_verified: boolean
}

export interface OpenIdProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  /** Whom it will vouch for. */
  account: Account
  /** Walks through the sign-in as a browser does, up to the redirect; answers the code. */
  readonly code: (nonce: string) => Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts a provider on a port. */
export async function startOpenIdProvider(port: number, account: Account): Promise<OpenIdProvider> {
  const issuer = `http://127.0.0.1:${port}`
  const [clientId, clientSecret, redirectUri] = [
    'latchkey',
    'a secret of the client',
    'https://app.pie.example/signed-in',
  ]
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a key of the tests'] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => running.account }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => false },
  })
  const serve = provider.callback()
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/')) void interact(provider, running.account, request, response)
    else serve(request, response)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const running: OpenIdProvider = {
    ...{ issuer, clientId, clientSecret, redirectUri, account },
    code: (nonce) => walk(`${issuer}/auth`, { client_id: clientId, redirect_uri: redirectUri, nonce }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return running
}

async function interact(provider: Provider, account: Account, request: IncomingMessage, response: ServerResponse) {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: account.sub } })
  }
  const grant = new provider.Grant({ accountId: session?.accountId, clientId: params.client_id })
  grant.addOIDCScope('openid email')
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

async function walk(endpoint: string, parameters: Record<string, string>): Promise<string> {
  const cookies = new Map<string, string>()
  const query = new URLSearchParams({ response_type: 'code', scope: 'openid email', ...parameters })
  let url = `${endpoint}?${query}`
  for (let steps = 0; steps < 10; steps += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const text of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(text) ?? []
      if (name !== undefined && value !== undefined) cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${url}: ${response.status} ${await response.text()}`)
    url = new URL(location, url).href
    const code = new URL(url).searchParams.get('code')
    if (url.startsWith(parameters.redirect_uri ?? '') && code !== null) return code
  }
  throw new Error('the provider redirects for ever')
}

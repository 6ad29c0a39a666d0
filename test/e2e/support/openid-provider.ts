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
  /** Signs the browser of the last sign-in out, which ends when whoever is to be told has answered. Answers their errors. */
  readonly signOut: () => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

/** Starts a provider on a port. `logoutUri`: where it sends logout tokens. */
export async function startOpenIdProvider(port: number, account: Account, logoutUri?: string): Promise<OpenIdProvider> {
  const issuer = `http://127.0.0.1:${port}`
  const [clientId, clientSecret, redirectUri] = [
    'latchkey',
    'a secret of the client',
    'https://app.pie.example/signed-in',
  ]
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        ...(logoutUri && { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true }),
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a key of the tests'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    // Its own one refuses addresses of this machine.
    fetch: (url: string, { dispatcher: _, ...init }: RequestInit & { readonly dispatcher?: unknown }) =>
      fetch(url, init),
    findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => running.account }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => false },
    // Its own minute would say how fast the machine is.
    ttl: { AuthorizationCode: 3_600 },
  })
  const cookies: Cookies = new Map()
  const serve = provider.callback()
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/')) void interact(provider, running.account, request, response)
    else serve(request, response)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const running: OpenIdProvider = {
    ...{ issuer, clientId, clientSecret, redirectUri, account },
    code: (nonce) => {
      cookies.clear()
      return walk(`${issuer}/auth`, { client_id: clientId, redirect_uri: redirectUri, nonce }, cookies)
    },
    async signOut() {
      const errors: string[] = []
      const listen = (_context: unknown, error: Error) => void errors.push(error.message)
      provider.on('backchannel.error', listen)
      const page = await (await visit(`${issuer}/session/end?client_id=${clientId}`, cookies)).text()
      const xsrf = /name="xsrf" value="(\w+)"/.exec(page)?.[1] ?? ''
      const form = new URLSearchParams({ xsrf, logout: 'yes' })
      const done = await visit(`${issuer}/session/end/confirm`, cookies, { method: 'POST', body: form })
      provider.off('backchannel.error', listen)
      if (done.status >= 400) throw new Error(`not signed out: ${done.status} ${await done.text()}`)
      return errors
    },
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

/** The cookies of a browser. */
type Cookies = Map<string, string>

/** Asks for a page as a browser does. */
async function visit(url: string, cookies: Cookies, init: RequestInit = {}): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } })
  for (const text of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(text) ?? []
    if (name !== undefined && value !== undefined) cookies.set(name, value)
  }
  return response
}

async function walk(endpoint: string, parameters: Record<string, string>, cookies: Cookies): Promise<string> {
  const query = new URLSearchParams({ response_type: 'code', scope: 'openid email', ...parameters })
  let url = `${endpoint}?${query}`
  for (let steps = 0; steps < 10; steps += 1) {
    const response = await visit(url, cookies)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${url}: ${response.status} ${await response.text()}`)
    url = new URL(location, url).href
    const code = new URL(url).searchParams.get('code')
    if (url.startsWith(parameters.redirect_uri ?? '') && code !== null) return code
  }
  throw new Error('the provider redirects for ever')
}

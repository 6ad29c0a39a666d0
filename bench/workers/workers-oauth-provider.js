// @cloudflare/workers-oauth-provider: an API behind access tokens, which are kept in KV.
import { OAuthProvider } from '@cloudflare/workers-oauth-provider'
import { counted } from './counted.js'

const api = {
  fetch: (_request, _env, ctx) => Response.json({ userId: ctx.props.userId }),
}

/** Grants an authorization to a client that is made for it; answers the code and what redeems it. */
const authorize = {
  async fetch(request, env) {
    const { origin } = new URL(request.url)
    const redirectUri = `${origin}/callback`
    const client = await env.OAUTH_PROVIDER.createClient({
      redirectUris: [redirectUri],
      tokenEndpointAuthMethod: 'client_secret_post',
    })
    const redirect = await env.OAUTH_PROVIDER.completeAuthorization({
      request: {
        responseType: 'code',
        clientId: client.clientId,
        redirectUri,
        scope: ['check'],
        state: 'state',
      },
      userId: 'somebody',
      metadata: {},
      scope: ['check'],
      props: { userId: 'somebody' },
    })
    return Response.json({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      redirect_uri: redirectUri,
      code: new URL(redirect.redirectTo).searchParams.get('code'),
    })
  },
}

let provider

export default {
  fetch(request, env, ctx) {
    // It must know its own address, which is known with the first request.
    const { origin } = new URL(request.url)
    provider ??= new OAuthProvider({
      apiRoute: '/api/',
      apiHandler: api,
      defaultHandler: authorize,
      authorizeEndpoint: '/authorize',
      tokenEndpoint: '/token',
      scopesSupported: ['check'],
      resourceMetadata: { resource: `${origin}/api/` },
    })
    if (request.headers.has('x-count-trips')) {
      return counted(request, env, (bindings) => (again) => provider.fetch(again, bindings, ctx))
    }
    return provider.fetch(request, env, ctx)
  },
}

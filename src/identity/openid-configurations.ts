/** What OpenID providers say of themselves, as this isolate knows it. */
import * as client from 'openid-client'
import type { Sealing } from '../auth/sealing.ts'
import { MAX_REMEMBERED_PROVIDERS, PROVIDER_METADATA_MILLISECONDS, PROVIDER_TIMEOUT_SECONDS } from '../limits.ts'
import type { OpenIdProvider } from '../store/openid-providers.ts'

/** The beginning of the error that is thrown where a client secret cannot be unsealed. */
export const SECRET_FAULT = 'the OpenID client secret'

export class OpenIdConfigurations {
  private readonly sealing: Sealing
  private readonly known = new Map<
    string,
    { readonly configuration: client.Configuration; readonly learnedAt: number }
  >()

  constructor(sealing: Sealing) {
    this.sealing = sealing
  }

  /** The provider's metadata, with what we are to it; asked for again after a while. Throws what the library throws. */
  async of(provider: OpenIdProvider, now: number): Promise<client.Configuration> {
    const { identityStoreId, issuer, clientId, sealedClientSecret } = provider
    const name = JSON.stringify([identityStoreId, issuer, clientId, sealedClientSecret])
    const known = this.known.get(name)
    if (known !== undefined && now - known.learnedAt < PROVIDER_METADATA_MILLISECONDS) return known.configuration
    const secret = await this.sealing.open('openid_client_secret', identityStoreId, identityStoreId, sealedClientSecret)
    if (secret === null) throw new Error(`${SECRET_FAULT} does not open: its sealing key is gone`)
    const configuration = await client.discovery(new URL(issuer), clientId, undefined, authentication(secret), {
      timeout: PROVIDER_TIMEOUT_SECONDS,
      // Operators can set an http issuer on this very machine only.
      execute: [
        client.enableNonRepudiationChecks,
        ...(issuer.startsWith('http://') ? [client.allowInsecureRequests] : []),
      ],
    })
    const [oldest] = this.known.keys()
    if (this.known.size >= MAX_REMEMBERED_PROVIDERS && oldest !== undefined) this.known.delete(oldest)
    this.known.set(name, { configuration, learnedAt: now })
    return configuration
  }
}

/** As the provider likes it; Basic is what a provider that does not say must take (OpenID Connect Discovery, 3). */
function authentication(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)]
  return (server, metadata, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const method = methods.includes('client_secret_basic') ? basic : post
    method(server, metadata, body, headers)
  }
}

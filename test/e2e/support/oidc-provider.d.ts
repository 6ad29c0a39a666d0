/** As much of oidc-provider as the tests use; it brings no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface InteractionDetails {
    readonly prompt: { readonly name: string }
    readonly params: Record<string, unknown>
    readonly session?: { readonly accountId: string }
  }

  class Grant {
    constructor(properties: { accountId: string | undefined; clientId: unknown })
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }

  export default class Provider {
    constructor(issuer: string, configuration: object)
    readonly Grant: typeof Grant
    on(event: 'backchannel.error', listen: (context: unknown, error: Error) => void): void
    off(event: 'backchannel.error', listen: (context: unknown, error: Error) => void): void
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<InteractionDetails>
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>
  }
}

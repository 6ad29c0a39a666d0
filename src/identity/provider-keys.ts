/**
 * The keys with which OpenID providers sign, as this isolate knows them. Whoever shows a token can make us ask for them,
 * so they are asked for by one request at a time, seldom, and read within limits.
 */
import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { readBody, utf8 } from '../http/body.ts'
import {
  KEYS_COOL_DOWN_MILLISECONDS,
  KEYS_LOOK_MILLISECONDS,
  MAX_KEYS_BYTES,
  MAX_REMEMBERED_PROVIDERS,
  PROVIDER_METADATA_MILLISECONDS,
  PROVIDER_TIMEOUT_SECONDS,
  RETRY_AFTER_SECONDS,
} from '../limits.ts'
import type { OpenIdProvider } from '../store/openid-providers.ts'
import { causeOf, logUnavailable } from '../time-limit.ts'
import { type OpenIdConfigurations, SECRET_FAULT } from './openid-configurations.ts'

/** What verifies a provider's signatures. */
export interface KeySet {
  readonly keys: ReturnType<typeof createLocalJWKSet>
  /** What the provider says it signs ID tokens with. */
  readonly algorithms: readonly string[]
}

interface Known {
  set: KeySet | null
  fetchedAt: number
  failedAt: number
  /** The request that is asking; null: none is. It may be gone without a word. */
  asking: object | null
}

/** Metadata and keys: two answers, and a little. */
const MAX_LOOKS = (2 * PROVIDER_TIMEOUT_SECONDS * 1000 + 1_000) / KEYS_LOOK_MILLISECONDS

export class ProviderKeys {
  private readonly configurations: OpenIdConfigurations
  private readonly known = new Map<string, Known>()

  constructor(configurations: OpenIdConfigurations) {
    this.configurations = configurations
  }

  /**
   * A provider's keys. Errors: `unavailable`.
   * @param without keys among which one was missed: it is these again where they were fetched just now
   */
  async of(
    provider: OpenIdProvider,
    now: number,
    without: KeySet | null = null,
  ): Promise<Result<KeySet, SessionError>> {
    const known = this.knownOf(provider)
    // By a timer, not by the other request's promise: in a Worker a request must not await another request's I/O.
    for (let looks = 0; known.asking !== null && looks < MAX_LOOKS; looks += 1) {
      await scheduler.wait(KEYS_LOOK_MILLISECONDS)
    }
    const { set } = known
    const goodFor = set === without ? KEYS_COOL_DOWN_MILLISECONDS : PROVIDER_METADATA_MILLISECONDS
    if (set !== null && now - known.fetchedAt < goodFor) return ok(set)
    if (now - known.failedAt < RETRY_AFTER_SECONDS * 1000) return unavailable()
    const asking = {}
    known.asking = asking
    try {
      known.set = await this.fetchKeys(provider, now)
      known.fetchedAt = now
      return ok(known.set)
    } catch (error) {
      if (error instanceof Error && error.message.startsWith(SECRET_FAULT)) throw error
      known.failedAt = now
      logUnavailable('OpenID provider', causeOf(error).message)
      return unavailable()
    } finally {
      if (known.asking === asking) known.asking = null
    }
  }

  private async fetchKeys(provider: OpenIdProvider, now: number): Promise<KeySet> {
    const metadata = (await this.configurations.of(provider, now)).serverMetadata()
    const url = new URL(metadata.jwks_uri ?? '')
    // As for the issuer: by http on this very machine only.
    if (url.protocol !== new URL(provider.issuer).protocol && url.protocol !== 'https:') {
      throw new Error('the keys are not at an https address')
    }
    const signal = AbortSignal.timeout(PROVIDER_TIMEOUT_SECONDS * 1000)
    const response = await fetch(url.href, { redirect: 'manual', signal, headers: { accept: 'application/json' } })
    const body = response.status === 200 ? await readBody(response, MAX_KEYS_BYTES) : null
    if (body?.ok !== true) throw new Error(`the keys cannot be read: ${body?.error.code ?? response.status}`)
    const keys = createLocalJWKSet(JSON.parse(utf8(body.value) ?? '') as JSONWebKeySet)
    // What is taken where nothing is said: OpenID Connect Discovery, 3.
    return { keys, algorithms: metadata.id_token_signing_alg_values_supported ?? ['RS256'] }
  }

  private knownOf({ identityStoreId, issuer, clientId }: OpenIdProvider): Known {
    const name = JSON.stringify([identityStoreId, issuer, clientId])
    let known = this.known.get(name)
    if (known === undefined) {
      const [oldest] = this.known.keys()
      if (this.known.size >= MAX_REMEMBERED_PROVIDERS && oldest !== undefined) this.known.delete(oldest)
      known = { set: null, fetchedAt: 0, failedAt: 0, asking: null }
      this.known.set(name, known)
    }
    return known
  }
}

function unavailable(): Result<never, SessionError> {
  return fail({ code: 'unavailable', what: 'OpenID provider', retryAfterSeconds: RETRY_AFTER_SECONDS })
}

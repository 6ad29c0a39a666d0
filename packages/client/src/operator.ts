/** The operator API: every operation, typed, made from the service's OpenAPI document. */
import { LatchkeyError } from './error.ts'
import { createClient, createConfig } from './generated/client/index.ts'
import { operatorMethods, storeMethods, userMethods } from './generated/facade.gen.ts'
import { type Patience, patiently, Unavailable } from './patience.ts'
import { VERSION } from './version.ts'

export type * from './generated/types.gen.ts'

export interface OperatorOptions {
  /** Where Latchkey is reached, such as `https://sessions.example.com`. */
  readonly baseUrl: string
  /** An operator's credential. */
  readonly credential: string
  /** Longest time that a call may take, its repetitions included. Default: 10 000. */
  readonly timeoutMilliseconds?: number
  /** How often a call is tried again that may be done twice. Default: 2. */
  readonly retries?: number
  /** Default: the global one. */
  readonly fetch?: typeof fetch
}

/**
 * Makes a client of the operator API. Methods answer `{ data }` or `{ error }`, a problem; lists are async iterators,
 * which throw a `LatchkeyError`, as everything does that has no answer in time.
 */
export function createOperator(options: OperatorOptions) {
  const { baseUrl, credential, timeoutMilliseconds = 10_000, retries = 2 } = options
  const send = options.fetch ?? fetch
  const client = createClient(
    createConfig({
      baseUrl: baseUrl.replace(/\/+$/, ''),
      headers: { authorization: `Bearer ${credential}`, 'latchkey-client': VERSION },
      redirect: 'manual',
      fetch: patient(send, { timeoutMilliseconds, retries }),
      throwOnError: false,
    }),
  )
  return {
    ...operatorMethods(client, {}),
    /** The operations of an identity store. */
    stores: (identityStoreId: string) => ({
      ...storeMethods(client, { identity_store_id: identityStoreId }),
      /** The operations of one of its users. */
      users: (userId: string) => userMethods(client, { identity_store_id: identityStoreId, user_id: userId }),
    }),
  }
}

/** What may be done twice is tried again. */
function patient(send: typeof fetch, patience: Patience): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const safe = request.method !== 'POST' && request.method !== 'PATCH'
    let last: Response | null = null
    const answer = await patiently<Response>(
      async (signal) => {
        last = null
        const response = await send(new Request(request.clone(), { signal }))
        if (response.status < 500 && response.status !== 429) return response
        last = response
        return new Unavailable(Number(response.headers.get('retry-after') ?? 0) || 0)
      },
      () => false,
      { ...patience, retries: safe ? patience.retries : 0, signal: request.signal },
    )
    if (!(answer instanceof Unavailable)) return answer
    if (last !== null) return last
    throw new LatchkeyError('unavailable', `${request.method} ${request.url} has no answer.`)
  }
}

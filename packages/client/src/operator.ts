/** The operator API: every operation, typed, made from the service's OpenAPI document. */
import { createClient, createConfig } from './generated/client/index.ts'
import { operatorMethods, storeMethods, userMethods } from './generated/facade.gen.ts'
import { patient } from './patient-fetch.ts'
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

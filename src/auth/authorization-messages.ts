/**
 * Why a caller was refused, sealed: the caller can pass it on, and only an operator can have it opened.
 */
import { NO_STORE } from '../domain/ids.ts'
import type { Sealing } from './sealing.ts'

/** What a refused caller lacked: the action, the right to this identity store, or an address to call from. */
export const MISSING_RIGHTS = ['permission', 'identity_store', 'address'] as const

/** Why a caller was refused. */
export interface AuthorizationMessage {
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly missing: (typeof MISSING_RIGHTS)[number]
  readonly action: string
  /** As the path named them: they may not exist. */
  readonly identityStoreId: string
  readonly userId: string
  readonly accessKey: string
  /** Null where the address was refused. */
  readonly caller: {
    readonly identityStoreId: string
    readonly credentialId: string
    readonly name: string
    readonly scopes: readonly string[]
    readonly delegatedStoreIds: readonly string[]
  } | null
}

const RECORD = 'authorization message'

/** Seals a message. Base64url. */
export function sealAuthorizationMessage(sealing: Sealing, message: AuthorizationMessage): Promise<string> {
  return sealing.seal('authorization_message', NO_STORE, RECORD, JSON.stringify(message))
}

/** What a message says; null if it is none of ours, or its key is not in use any more. */
export async function openAuthorizationMessage(sealing: Sealing, sealed: string): Promise<AuthorizationMessage | null> {
  const text = await sealing.open('authorization_message', NO_STORE, RECORD, sealed)
  return text === null ? null : JSON.parse(text)
}

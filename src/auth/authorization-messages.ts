/**
 * Why a caller was refused, sealed: the caller can pass it on, and only an operator can have it opened.
 */
import { OPERATOR_STORE } from '../store/credentials.ts'
import type { Sealing } from './sealing.ts'

/** Why a caller was refused. */
export interface AuthorizationMessage {
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly at: number
  /** `permission`: it lacks the action. `identity_store`: it administers another one. `address`: it may not call from there. */
  readonly missing: 'permission' | 'identity_store' | 'address'
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
  return sealing.seal('authorization_message', OPERATOR_STORE, RECORD, JSON.stringify(message))
}

/** What a message says; null if it is none of ours, or its key is not in use any more. */
export async function openAuthorizationMessage(sealing: Sealing, sealed: string): Promise<AuthorizationMessage | null> {
  const text = await sealing.open('authorization_message', OPERATOR_STORE, RECORD, sealed)
  return text === null ? null : JSON.parse(text)
}

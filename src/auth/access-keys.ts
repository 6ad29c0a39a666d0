/**
 * Who signed a request: access keys, permanent and temporary ones. An unknown key and a wrong signature get the
 * same answer after the same work.
 */

import type { SessionError } from '../domain/errors.ts'
import { NO_STORE } from '../domain/ids.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { log } from '../log.ts'
import type { Database } from '../store/database.ts'
import { isSignedWith, type RequestSignature, type SignatureFault, signedTexts } from './access-key-signature.ts'
import {
  type Arrival,
  admitCredential,
  type Caller,
  findAccessKey,
  previousSecrets,
  secretFits,
} from './credentials.ts'
import type { Sealing } from './sealing.ts'

/** The header that goes with a temporary key, in lower case. */
const SECURITY_TOKEN = 'x-security-token'
const NO_RECORD = 'unknown access key'
/** As long as a secret key. */
const NO_SECRET = '0'.repeat(40)

/** What an access key is looked up and opened with. */
export interface AccessKeyDependencies {
  readonly db: Database
  readonly sealing: Sealing
  /** Origins under which the service is reached. */
  readonly publicOrigins: readonly string[]
  /** Whether host, body and security token must be signed. */
  readonly strict: boolean
}

/** Who signed. */
export interface Signer extends Caller {
  /** Other identity stores that it administers. */
  readonly delegatedStoreIds: readonly string[]
}

/** A request that says itself that it is not properly signed. */
export interface BadSignature {
  readonly code: 'bad_signature'
  readonly fault: SignatureFault
}

/**
 * The caller who signed a request. `body` is its raw bytes.
 * Errors: `bad_signature`; `unauthenticated` for an unknown key, a wrong signature and a wrong or missing security
 * token; then, of a caller who has the secret, those of `checkUsable`; `unavailable`.
 */
export async function authenticateSigner(
  { db, sealing, publicOrigins, strict }: AccessKeyDependencies,
  request: Request,
  body: Uint8Array,
  signature: RequestSignature,
  arrival: Arrival,
): Promise<Result<Signer, SessionError | BadSignature>> {
  const publicHosts = publicOrigins.map((origin) => new URL(origin).host)
  const texts = await signedTexts(request, body, signature, publicHosts, strict)
  if (!texts.ok) return fail({ code: 'bad_signature', fault: texts.error })
  const dummy = await dummySecret(sealing)
  const found = await findAccessKey(db, signature.accessKey)
  if (!found.ok) return found
  const key = found.value
  const { identityStoreId, credentialId } = key ?? { identityStoreId: NO_STORE, credentialId: NO_RECORD }
  const previous = key === null ? [] : previousSecrets(key, arrival.now)
  const sealed = [key?.sealedSecret ?? dummy, ...previous.map((one) => one.sealed_secret ?? dummy)]
  const signed = sealed.map(async (one) => {
    const secret = await sealing.open('access_key', identityStoreId, credentialId, one)
    if (secret === null) log('access_key.unreadable', { identityStoreId, credentialId })
    return (await isSignedWith(secret ?? NO_SECRET, texts.value, signature)) && secret !== null
  })
  if (!(await Promise.all(signed)).includes(true) || key === null) return fail({ code: 'unauthenticated' })

  const { sessionTokenHash, delegatedStoreIds } = key
  // For a permanent key the header means nothing, whatever it says: there is nothing to compare it with.
  if (sessionTokenHash !== null && !bearsToken(request, signature, sessionTokenHash, strict)) {
    return fail({ code: 'unauthenticated' })
  }
  const caller = admitCredential(db, key, arrival)
  return caller.ok ? ok({ ...caller.value, delegatedStoreIds }) : caller
}

/** A temporary key is only good with its token. Some clients add it after they have signed. */
function bearsToken(request: Request, { signedHeaders }: RequestSignature, hash: string, strict: boolean): boolean {
  const token = request.headers.get(SECURITY_TOKEN) ?? ''
  return secretFits(token, hash) && (!strict || signedHeaders.includes(SECURITY_TOKEN))
}

const dummies = new WeakMap<Sealing, string>()

/** A sealed secret that signs for nobody, to be opened in place of an unknown key's. */
async function dummySecret(sealing: Sealing): Promise<string> {
  let dummy = dummies.get(sealing)
  if (dummy === undefined) {
    dummy = await sealing.seal('access_key', NO_STORE, NO_RECORD, NO_SECRET)
    dummies.set(sealing, dummy)
  }
  return dummy
}

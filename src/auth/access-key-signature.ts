/**
 * Signatures of access keys, SDK-HMAC-SHA256: what a request claims, what it must have signed, and whether the
 * signature is genuine. No look-ups; `now` is passed in.
 *
 *   Authorization: SDK-HMAC-SHA256 Access=<key>, SignedHeaders=<h1;h2>, Signature=<64 hex>
 *   canonical request = METHOD \n path \n query \n (header:value \n)… \n h1;h2 \n hash of the body
 *   signed text       = SDK-HMAC-SHA256 \n X-Sdk-Date \n hex(SHA-256(canonical request))
 *
 * @see https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm.html
 */

import { fail, ok, type Result } from '../domain/result.ts'
import { MAX_SKEW_MILLISECONDS } from '../limits.ts'

const ALGORITHM = 'SDK-HMAC-SHA256'
const AUTHORIZATION =
  /^SDK-HMAC-SHA256 +Access=([^\s,]{1,128}), *SignedHeaders=([^\s,]{1,2048}), *Signature=([0-9a-f]{64})$/
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
/** What stands in place of the body's hash where a client does not sign the body. */
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'
const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/** Why a request cannot be taken for a signed one. Follows from the request alone: it tells nothing of any key. */
export type SignatureFault =
  /** There is no `Authorization` header, or it is of another kind. */
  | 'not_signed'
  /** `x-sdk-date`, or strictly `host`, is not among the signed headers, or a signed header is missing or named twice. */
  | 'signed_headers'
  /** `X-Sdk-Date` is no date. */
  | 'date'
  /** `X-Sdk-Date` is too far from our clock. */
  | 'date_too_far'
  /** The path or the query has a malformed escape. */
  | 'path'
  /** The body is not what `X-Sdk-Content-Sha256` says, or, strictly, is not signed at all. */
  | 'payload'

/** What a request claims. */
export interface RequestSignature {
  readonly accessKey: string
  /** In the order of the request. */
  readonly signedHeaders: readonly string[]
  readonly signature: Uint8Array
  /** `X-Sdk-Date`, as it was sent. */
  readonly date: string
}

/** Reads what a request claims. `strict`: the host must be signed too. */
export function readSignature(
  headers: Headers,
  now: number,
  strict: boolean,
): Result<RequestSignature, SignatureFault> {
  const [, accessKey, names, hex] = AUTHORIZATION.exec(headers.get('authorization') ?? '') ?? []
  if (accessKey === undefined || names === undefined || hex === undefined) return fail('not_signed')
  const signedHeaders = names.split(';')
  const known = new Set(signedHeaders)
  const complete =
    known.size === signedHeaders.length &&
    signedHeaders.every((name) => HEADER_NAME.test(name) && (name === 'host' || headers.has(name))) &&
    (!strict || known.has('host')) &&
    known.has('x-sdk-date')
  if (!complete) return fail('signed_headers')
  const date = headers.get('x-sdk-date') ?? ''
  const at = instantOf(date)
  if (at === null) return fail('date')
  if (Math.abs(now - at) > MAX_SKEW_MILLISECONDS) return fail('date_too_far')
  return ok({ accessKey, signedHeaders, signature: Uint8Array.fromHex(hex), date })
}

/**
 * The texts that a client may have signed for this request, at least one. Several, since clients differ in how
 * they spell odd characters of a path, and since a proxy may have changed the Host. All of them name the same
 * resource: where an id has none but unreserved characters, only one spelling of it fits a given signature.
 * @param body the body's bytes as they arrived
 * @param publicHosts hosts (`name[:port]`) under which the service is reached
 * @param strict a body must be signed
 */
export async function signedTexts(
  request: Request,
  body: Uint8Array,
  { signedHeaders, date }: RequestSignature,
  publicHosts: readonly string[],
  strict: boolean,
): Promise<Result<readonly string[], SignatureFault>> {
  const url = new URL(request.url)
  const paths = canonicalPaths(url.pathname)
  const query = canonicalQuery(url.search)
  if (paths === null || query === null) return fail('path')
  const payload = payloadHash(request.headers, body, await sha256(body), strict)
  if (payload === null) return fail('payload')
  const hosts = new Set([request.headers.get('host') ?? url.host, ...publicHosts])
  const requests = paths.flatMap((path) =>
    [...hosts].map((host) => {
      const lines = signedHeaders.map(
        (name) => `${name}:${name === 'host' ? host : request.headers.get(name)?.trim()}\n`,
      )
      return [request.method, path, query, lines.join(''), signedHeaders.join(';'), payload].join('\n')
    }),
  )
  const hashes = await Promise.all([...new Set(requests)].map((text) => sha256(new TextEncoder().encode(text))))
  return ok(hashes.map((hash) => `${ALGORITHM}\n${date}\n${hash}`))
}

/** Whether one of the texts was signed with this secret key. Takes as long whatever the answer. */
export async function isSignedWith(
  secretKey: string,
  texts: readonly string[],
  { signature }: RequestSignature,
): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secretKey), HMAC, false, ['verify'])
  const fits = await Promise.all(
    texts.map((text) => crypto.subtle.verify(HMAC, key, signature, new TextEncoder().encode(text))),
  )
  return fits.includes(true)
}

/**
 * The spellings of a path that clients sign; null if it has a malformed escape.
 * 1. each segment decoded and encoded again;
 * 2. the whole path decoded, so that an escaped slash separates segments (the Python client);
 * 3. the escapes of ASCII characters taken for text, and so escaped once more (the Node client).
 */
function canonicalPaths(pathname: string): string[] | null {
  try {
    const segments = pathname.split('/')
    const spellings = [
      segments.map(decodeURIComponent),
      decodeURIComponent(pathname).split('/'),
      segments.map((segment) => segment.replace(/(?:%[89A-Fa-f][0-9A-Fa-f])+/g, decodeURIComponent)),
    ]
    const paths = spellings.map((parts) => parts.map(encode).join('/'))
    return [...new Set(paths.map((path) => (path.endsWith('/') ? path : `${path}/`)))]
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}

/** The query as it is signed: decoded, encoded again, sorted; null if it has a malformed escape. */
function canonicalQuery(search: string): string | null {
  try {
    const pairs = search
      .slice(1)
      .split('&')
      .flatMap((pair) => {
        if (pair === '') return []
        const at = pair.includes('=') ? pair.indexOf('=') : pair.length
        const [name, value] = [pair.slice(0, at), pair.slice(at + 1)].map((text) =>
          encode(decodeURIComponent(text.replaceAll('+', ' '))),
        )
        return [{ name: name ?? '', value: value ?? '' }]
      })
    pairs.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    return pairs.map(({ name, value }) => `${name}=${value}`).join('&')
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}

/** What stands for the body; null if it is not this body, or would leave one unsigned that must be signed. */
function payloadHash(headers: Headers, body: Uint8Array, hash: string, strict: boolean): string | null {
  const declared = headers.get('x-sdk-content-sha256')
  if (declared === null) return hash
  const fits = declared === UNSIGNED_PAYLOAD ? !strict || body.length === 0 : declared.toLowerCase() === hash
  return fits ? declared : null
}

/** Only letters, digits and `-._~` stay as they are. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** By code unit. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `YYYYMMDDTHHMMSSZ` as epoch milliseconds; null if there is no such instant. */
function instantOf(date: string): number | null {
  const iso = DATE.test(date) ? date.replace(DATE, '$1-$2-$3T$4:$5:$6.000Z') : ''
  const at = Date.parse(iso)
  return Number.isNaN(at) || new Date(at).toISOString() !== iso ? null : at
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).toHex()
}

/** RSA keys take a tenth of a second each, and tests need hundreds: the first ones that were made come again, in turn. */
import { ofIsolate } from './of-isolate.ts'

/** More than any test needs different ones. */
const DIFFERENT = 8

type Algorithm = SubtleCryptoGenerateKeyAlgorithm | string
type Generate = (algorithm: Algorithm, ...rest: [boolean, string[]]) => Promise<CryptoKeyPair>

/** Makes few keys serve all that ask for some. */
export function reuseRsaKeys(): void {
  ofIsolate('rsa-keys', () => {
    const generate = crypto.subtle.generateKey.bind(crypto.subtle) as unknown as Generate
    const made = new Map<string, Promise<CryptoKeyPair>>()
    let asked = 0
    const generateKey: Generate = (algorithm, ...rest) => {
      if (typeof algorithm === 'string' || !algorithm.name.startsWith('RSA')) return generate(algorithm, ...rest)
      const which = `${asked++ % DIFFERENT} of ${JSON.stringify([algorithm, ...rest])}`
      const pair = made.get(which) ?? generate(algorithm, ...rest)
      made.set(which, pair)
      return pair
    }
    Object.assign(crypto.subtle, { generateKey })
  })
}

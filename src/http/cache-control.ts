/** The request directive by which a caller accepts an answer some seconds old (RFC 9111, section 5.2.1). */

/**
 * Greatest age that the caller accepts, in whole seconds, at most `most`. 0 for a strict answer: without
 * the directive, with `no-cache` or `no-store`, and for anything that makes no sense.
 */
export function acceptedAgeSeconds(request: Request, most: number): number {
  const header = request.headers.get('cache-control')
  if (header === null) return 0
  // As nearly everybody says it.
  const alone = /^max-age=(\d+)$/.exec(header)?.[1]
  if (alone !== undefined) return Math.min(Number(alone), most)
  const directives = header.split(',').map((directive) => directive.trim().toLowerCase())
  const strict = directives.some((directive) => directive === 'no-cache' || directive === 'no-store')
  const [age, ...more] = directives.filter((directive) => directive.startsWith('max-age'))
  const seconds = /^max-age=(\d+)$/.exec(age ?? '')?.[1]
  return strict || more.length > 0 || seconds === undefined ? 0 : Math.min(Number(seconds), most)
}

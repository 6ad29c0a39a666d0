/** The request directive by which a caller accepts an answer some seconds old (RFC 9111, section 5.2.1). */

/**
 * Greatest age that the caller accepts, in whole seconds, at most `most`. 0 for a strict answer: without
 * the directive, with `no-cache` or `no-store`, and for anything that makes no sense.
 */
export function acceptedAgeSeconds(request: Request, most: number): number {
  const header = request.headers.get('cache-control')
  if (header === null) return 0
  const directives = header.split(',').map((directive) => directive.trim().toLowerCase())
  const ages = directives.flatMap((directive) => /^max-age=(\d{1,9})$/.exec(directive)?.[1] ?? [])
  const strict = directives.some((directive) => directive === 'no-cache' || directive === 'no-store')
  return strict || ages.length !== 1 ? 0 : Math.min(Number(ages[0]), most)
}

/** Which URLs events may be sent to. Pure: what a name stands for is not known here. */

/** Names that lead nowhere but inside a network. Source: RFC 6761, RFC 6762, RFC 8375, and what is in use. */
const INSIDE = ['localhost', 'local', 'internal', 'intranet', 'lan', 'home', 'corp', 'private', 'home.arpa', 'onion']
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Why events may not be sent to a URL; null: they may. Addresses are refused whole: with another way of writing one, a
 * list of private ranges is not to be trusted, and no receiver needs one.
 * @param loopback whether this very machine is a receiver too, by plain http: in development
 */
export function urlFault(text: string, loopback: boolean): string | null {
  const url = URL.parse(text)
  if (url === null) return 'Must be a URL.'
  if (url.username !== '' || url.password !== '') return 'Must not have a user name or a password.'
  if (url.hash !== '') return 'Must not have a fragment.'
  if (loopback && ['http:', 'https:'].includes(url.protocol) && LOOPBACK.includes(url.hostname)) return null
  if (url.protocol !== 'https:') return 'Must begin with https://.'
  // The parser has brought every form of an IPv4 address to this one.
  if (url.hostname.startsWith('[') || /^[\d.]+$/.test(url.hostname)) return 'Must have a host name, not an address.'
  const name = url.hostname.replace(/\.+$/, '')
  const isInside = !name.includes('.') || INSIDE.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))
  return isInside ? 'Must have the name of a public host.' : null
}

/** Whether a service is reached at this very machine alone: it is under development. */
export function isLocal(publicOrigins: readonly string[]): boolean {
  return publicOrigins.every((origin) => LOOPBACK.includes(URL.parse(origin)?.hostname ?? ''))
}

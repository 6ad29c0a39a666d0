/**
 * What limits and counters go by: an IPv4 address whole, an IPv6 address by its /64, since that is what one
 * subscriber is given. `unknown` for none.
 */
export function addressPrefix(address: string | null): string {
  if (address === null) return 'unknown'
  if (!address.includes(':')) return address
  const groups = groupsOf(address.toLowerCase())
  const ipv4 = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff'
  return ipv4 ? dotted(groups.slice(6)) : `${groups.slice(0, 4).join(':')}::/64`
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter(Boolean).flatMap(groupsIn))
  const zeros = Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array.from({ length: zeros }, () => '0'), ...tail]
}

/** An IPv4 address at the end stands for two groups. */
function groupsIn(part: string): string[] {
  if (!part.includes('.')) return [part.replace(/^0+(?=.)/, '')]
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)]
}

function dotted(groups: readonly string[]): string {
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join('.')
}

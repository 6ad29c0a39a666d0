/** From where a credential may be used: addresses and CIDR blocks, IPv4 and IPv6. */
import { BlockList, isIP } from 'node:net'

interface Block {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Whether a text is an address (`192.0.2.1`, `2001:db8::1`) or a block (`192.0.2.0/24`, `2001:db8::/32`). */
export function isAddressOrBlock(text: string): boolean {
  return parseBlock(text) !== null
}

/** Whether an address is in a list. An unknown address is in none. */
export function addressAllowed(address: string | null, list: readonly string[]): boolean {
  const family = address === null ? null : familyOf(address)
  if (address === null || family === null) return false
  const allowed = new BlockList()
  for (const text of list) {
    const block = parseBlock(text)
    if (block !== null) allowed.addSubnet(block.address, block.bits, block.family)
  }
  return allowed.check(address, family)
}

function parseBlock(text: string): Block | null {
  const match = /^([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text)
  const address = match?.[1]
  const family = address === undefined ? null : familyOf(address)
  if (address === undefined || family === null) return null
  const width = family === 'ipv4' ? 32 : 128
  const bits = match?.[2] === undefined ? width : Number(match[2])
  return bits <= width ? { address, bits, family } : null
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address)
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : null
}

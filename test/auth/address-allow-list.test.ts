import { expect, test } from 'vitest'
import { addressAllowed, isAddressOrBlock } from '../../src/auth/address-allow-list.ts'

test('an address is allowed if it is in a block of the list, or is listed', () => {
  const list = ['192.0.2.0/25', '198.51.100.7', '2001:db8:1::/48', '2001:db8:2::1']
  for (const address of ['192.0.2.0', '192.0.2.127', '198.51.100.7', '2001:db8:1:ffff::1', '2001:db8:2:0::1']) {
    expect(addressAllowed(address, list), address).toBe(true)
  }
  for (const address of ['192.0.2.128', '198.51.100.8', '2001:db8:3::1', '2001:db8:2::2', '::', '0.0.0.0']) {
    expect(addressAllowed(address, list), address).toBe(false)
  }
})

test('an IPv4 address in IPv6 clothes is that IPv4 address', () => {
  expect(addressAllowed('::ffff:192.0.2.1', ['192.0.2.0/24'])).toBe(true)
  expect(addressAllowed('::ffff:192.0.3.1', ['192.0.2.0/24'])).toBe(false)
})

test('an unknown address, or a text that is none, is not allowed anywhere', () => {
  expect(addressAllowed(null, ['0.0.0.0/0', '::/0'])).toBe(false)
  expect(addressAllowed('localhost', ['0.0.0.0/0', '::/0'])).toBe(false)
  expect(addressAllowed('192.0.2.1', [])).toBe(false)
})

test('only addresses and CIDR blocks are taken for a list', () => {
  for (const text of ['192.0.2.1', '192.0.2.0/24', '0.0.0.0/0', '::1', '2001:db8::/32', '::/0']) {
    expect(isAddressOrBlock(text), text).toBe(true)
  }
  for (const text of [
    '',
    'a',
    '192.0.2',
    '192.0.2.1/33',
    '::/129',
    '192.0.2.1/',
    '192.0.2.1/-1',
    '192.0.2.1/24/24',
    'localhost',
    '192.0.2.0-192.0.2.9',
  ]) {
    expect(isAddressOrBlock(text), text).toBe(false)
  }
})

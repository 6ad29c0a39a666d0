import { describe, expect, test } from 'vitest'
import { Sealing } from '../../src/auth/sealing.ts'

const OLD = { id: 1, secret: new Uint8Array(32).fill(1) }
const NEW = { id: 2, secret: new Uint8Array(32).fill(2) }
const sealing = new Sealing([OLD])

describe('a sealed secret', () => {
  test('opens for what it was sealed for', async () => {
    const sealed = await sealing.seal('access_key', 'store', 'record', 'a secret ✓')
    expect(await sealing.open('access_key', 'store', 'record', sealed)).toBe('a secret ✓')
  })

  test('opens for no other purpose, store or record', async () => {
    const sealed = await sealing.seal('access_key', 'store', 'record', 'a secret')
    expect(await sealing.open('openid_client_secret', 'store', 'record', sealed)).toBeNull()
    expect(await sealing.open('access_key', 'other', 'record', sealed)).toBeNull()
    expect(await sealing.open('access_key', 'store', 'other', sealed)).toBeNull()
    expect(await sealing.open('access_key', 'storer', 'ecord', sealed)).toBeNull()
  })

  test('does not open once any byte was altered, cut off or added', async () => {
    const sealed = Buffer.from(await sealing.seal('access_key', 'store', 'record', 'a secret'), 'base64url')
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = Buffer.from(sealed)
      altered[at] = (altered[at] ?? 0) ^ 1
      expect(
        await sealing.open('access_key', 'store', 'record', altered.toString('base64url')),
        `byte ${at}`,
      ).toBeNull()
      const short = sealed.subarray(0, at).toString('base64url')
      expect(await sealing.open('access_key', 'store', 'record', short), `${at} bytes`).toBeNull()
    }
    const long = Buffer.concat([sealed, Buffer.from([0])]).toString('base64url')
    expect(await sealing.open('access_key', 'store', 'record', long)).toBeNull()
  })

  test('is never the same twice, and does not show what it holds', async () => {
    const one = await sealing.seal('access_key', 'store', 'record', 'a secret')
    const two = await sealing.seal('access_key', 'store', 'record', 'a secret')
    expect(one).not.toBe(two)
    expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('a secret')
  })

  test('opens with an older key of the ring, while the newest seals', async () => {
    const rotated = new Sealing([NEW, OLD])
    const before = await sealing.seal('access_key', 'store', 'record', 'a secret')
    const after = await rotated.seal('access_key', 'store', 'record', 'a secret')
    expect(await rotated.open('access_key', 'store', 'record', before)).toBe('a secret')
    expect(await new Sealing([NEW]).open('access_key', 'store', 'record', after)).toBe('a secret')
    expect(await sealing.open('access_key', 'store', 'record', after)).toBeNull()
    expect(await new Sealing([NEW]).open('access_key', 'store', 'record', before)).toBeNull()
  })

  test('does not open with another key under the same id', async () => {
    const sealed = await sealing.seal('access_key', 'store', 'record', 'a secret')
    const other = new Sealing([{ id: OLD.id, secret: NEW.secret }])
    expect(await other.open('access_key', 'store', 'record', sealed)).toBeNull()
  })
})

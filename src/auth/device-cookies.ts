/**
 * Device cookies: what tells the browser of somebody who has signed in before from a stranger's. One grants a place
 * before strangers and a count of its own, never a session. It names no user: the user name is in the HMAC alone.
 * Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
 *
 *   version 1 | key id 1 | device 16 | HMAC-SHA-256 32
 */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { MAX_DEVICE_COOKIES } from '../limits.ts'
import type { Key } from '../settings.ts'

/** The cookie's name in every API. */
export const DEVICE_COOKIE = 'latchkey_device'

const VERSION = 1
const DEVICE_BYTES = 16
const SIGNED_BYTES = 2 + DEVICE_BYTES
const PATTERN = /^[A-Za-z0-9_-]{67}$/

/** A ring of keys: the newest signs, all verify. */
export class DeviceCookies {
  private readonly newest: Key
  private readonly secrets: ReadonlyMap<number, Buffer>

  constructor(keys: readonly Key[]) {
    const newest = keys[0]
    if (newest === undefined) throw new Error('no session token key')
    this.newest = newest
    this.secrets = new Map(keys.map(({ id, secret }) => [id, hmac(secret, 'latchkey device cookie')]))
  }

  /** A cookie for a new device on which the user of this name has signed in. */
  issue(username: string): string {
    const signed = Buffer.concat([Buffer.from([VERSION, this.newest.id]), randomBytes(DEVICE_BYTES)])
    return Buffer.concat([signed, this.sign(this.newest.id, signed, username)]).toString('base64url')
  }

  /** The device in some cookies, if one of them was issued for this user name; else null. */
  deviceOf(values: readonly string[], username: string): string | null {
    for (const value of values.slice(0, MAX_DEVICE_COOKIES)) {
      const bytes = Buffer.from(PATTERN.test(value) ? value : '', 'base64url')
      const signed = bytes.subarray(0, SIGNED_BYTES)
      const [version, keyId = 0] = signed
      if (version !== VERSION || !this.secrets.has(keyId)) continue
      if (timingSafeEqual(bytes.subarray(SIGNED_BYTES), this.sign(keyId, signed, username))) {
        return signed.subarray(2).toString('base64url')
      }
    }
    return null
  }

  private sign(keyId: number, signed: Uint8Array, username: string): Buffer {
    const secret = this.secrets.get(keyId)
    if (secret === undefined) throw new Error(`no key ${keyId}`)
    return createHmac('sha256', secret).update(signed).update(username).digest()
  }
}

function hmac(secret: Uint8Array, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}

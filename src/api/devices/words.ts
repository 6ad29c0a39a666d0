/** What pages say of devices, places and times. English; instants in UTC. */
import { clientKind } from '../../domain/client-kind.ts'
import type { CredentialsType, Location } from '../../domain/session.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import { timestamp } from '../responses.ts'
import { type Html, html } from './html.ts'

/** A device in words. */
export interface DeviceWords {
  /** `Chrome 140 on Windows`. */
  readonly name: string
  readonly kind: 'Computer' | 'Phone or tablet' | 'Other'
}

/**
 * The device of a user agent. Versions of systems are left out: browsers have frozen them, and the words would be wrong
 * of most.
 */
export function deviceWords(userAgent: string | null): DeviceWords {
  const { device } = parseUserAgent(userAgent)
  const isMobile = clientKind(userAgent) === 'mobile'
  const browser = /^(.*? \d+)[\d.]*$/.exec(device.program)?.[1] ?? device.program
  // The hardware of a computer has no model, but of some a vendor.
  const system = isMobile && /[A-Z]/.test(device.hardware) ? device.hardware : device.os
  const name = [browser, system].filter(Boolean).join(' on ') || /^[\w.-]+/.exec(userAgent ?? '')?.[0]
  const kind = isMobile ? 'Phone or tablet' : device.os === '' ? 'Other' : 'Computer'
  return { name: name ?? 'Unknown device', kind }
}

const HOW: Readonly<Record<CredentialsType, string>> = {
  password: 'With the password',
  trusted_back_end: 'Through an application',
  openid: 'With single sign-on',
  login_token: 'With a login link',
  api_client: 'With an API client',
  operator_token: 'With an operator token',
  sudo: 'By an administrator on your behalf',
}

/** How a session was signed in. */
export function howWords(credentialsType: CredentialsType): string {
  return HOW[credentialsType]
}

const COUNTRIES = new Intl.DisplayNames('en', { type: 'region' })

/** A place; null if nothing is known of it. */
export function placeWords(location: Location | null): string | null {
  if (location === null) return null
  const { city, region, country } = location
  const named = country !== null && /^[A-Z]{2}$/.test(country) ? COUNTRIES.of(country) : country
  const parts = [city, region === city ? null : region, named].filter(Boolean)
  return parts.length === 0 ? null : parts.join(', ')
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always' })
const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** An instant as `3 hours ago`, with the exact one as a tooltip. */
export function ago(instant: number, now: number): Html {
  const seconds = (now - instant) / 1000
  const [unit, length] = UNITS.find(([, size]) => seconds >= size) ?? [null, 1]
  const text = unit === null ? 'just now' : RELATIVE.format(-Math.floor(seconds / length), unit)
  const exact = timestamp(instant)
  const title = `${exact.slice(0, 10)} ${exact.slice(11, 19)} UTC`
  return html`<time datetime="${exact}" title="${title}">${text}</time>`
}

/** A stretch of time, in whole minutes, upwards. */
export function minutes(seconds: number): string {
  const count = Math.max(1, Math.ceil(seconds / 60))
  return count === 1 ? '1 minute' : `${count} minutes`
}

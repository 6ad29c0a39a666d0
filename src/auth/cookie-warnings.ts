/** Warnings about settings with which the service starts, but under which some pages will have no session. */
import type { CookieSettings } from './session-carriers.ts'

/**
 * A sentence for each configured origin that is malformed, and for each to whose pages, or host, browsers will not send
 * the cookie.
 */
export function cookieWarnings(settings: CookieSettings & { readonly ignoredOrigins: readonly string[] }): string[] {
  const { publicOrigins, allowedOrigins, ignoredOrigins, cookieSameSite } = settings
  const ignored = ignoredOrigins.map((entry) => `ALLOWED_ORIGINS: ${entry} is no origin, and is ignored`)
  if (cookieSameSite === 'none') {
    const plain = publicOrigins.filter((one) => one.startsWith('http:') && !isLoopback(new URL(one).hostname))
    return [
      ...ignored,
      ...plain.map((one) => `PUBLIC_ORIGINS: browsers drop the cookie at ${one}: COOKIE_SAME_SITE=None needs https`),
    ]
  }
  const ours = new Set(publicOrigins.map(siteOf))
  const elsewhere = allowedOrigins.filter((one) => !ours.has(siteOf(one)))
  return [
    ...ignored,
    ...elsewhere.map(
      (one) =>
        `ALLOWED_ORIGINS: browsers drop the cookie on pages of ${one}, another site, without COOKIE_SAME_SITE=None`,
    ),
  ]
}

/**
 * The site of an origin: its scheme and its registrable domain. Without a list of public suffixes that is taken to be
 * the last two labels: of two sites under `co.uk` nobody is warned.
 */
function siteOf(origin: string): string {
  const { protocol, hostname } = new URL(origin)
  const isAddress = /^[\d.]+$|^\[/.test(hostname)
  return `${protocol}//${isAddress ? hostname : hostname.split('.').slice(-2).join('.')}`
}

/** Browsers take Secure cookies from this machine over plain http too. */
function isLoopback(hostname: string): boolean {
  return /(^|\.)localhost$|^127\.|^\[::1\]$/.test(hostname)
}

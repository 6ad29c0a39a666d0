/** What a user agent says of browser and system, for people to read. Never a basis for a decision of trust. */
import Bowser from 'bowser'

export interface UserAgent {
  readonly browser: string | null
  readonly operatingSystem: string | null
}

/** Names of browser and system with their versions; null where the user agent does not say. */
export function parseUserAgent(userAgent: string | null): UserAgent {
  if (userAgent === null || userAgent === '') return { browser: null, operatingSystem: null }
  const parsed = Bowser.parse(userAgent)
  return {
    browser: named(parsed.browser.name, parsed.browser.version),
    operatingSystem: named(parsed.os.name, parsed.os.versionName ?? parsed.os.version),
  }
}

function named(name: string | undefined, version: string | undefined): string | null {
  if (!name) return null
  return version ? `${name} ${version}` : name
}

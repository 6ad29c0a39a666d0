/** What a user agent says of browser and system, for people to read. Never a basis for a decision of trust. */
import Bowser from 'bowser'

export interface UserAgent {
  readonly browser: string | null
  readonly operatingSystem: string | null
}

/** Different user agents that one isolate remembers. To parse one takes longer than all the rest of a check. */
const MAX_REMEMBERED = 1_000

const remembered = new Map<string, UserAgent>()

/** Names of browser and system with their versions; null where the user agent does not say. */
export function parseUserAgent(userAgent: string | null): UserAgent {
  if (userAgent === null || userAgent === '') return { browser: null, operatingSystem: null }
  const known = remembered.get(userAgent)
  if (known !== undefined) return known
  const parsed = Bowser.parse(userAgent)
  const found = {
    browser: named(parsed.browser.name, parsed.browser.version),
    operatingSystem: named(parsed.os.name, parsed.os.versionName ?? parsed.os.version),
  }
  const oldest = remembered.size >= MAX_REMEMBERED ? remembered.keys().next().value : undefined
  if (oldest !== undefined) remembered.delete(oldest)
  remembered.set(userAgent, found)
  return found
}

function named(name: string | undefined, version: string | undefined): string | null {
  if (!name) return null
  return version ? `${name} ${version}` : name
}

/** A client's device and program, as its user agent tells; empty where it does not. */
export interface Device {
  /** Such as `Apple iPhone`, or `desktop`. */
  readonly hardware: string
  readonly os: string
  readonly osVersion: string
  /** Name and version of the program. */
  readonly program: string
}

/** What a user agent says of device and program. */
export function parseDevice(userAgent: string | null): Device {
  if (userAgent === null || userAgent === '') return { hardware: '', os: '', osVersion: '', program: '' }
  const { platform, os, browser } = Bowser.parse(userAgent)
  const model = [platform.vendor, platform.model].filter(Boolean).join(' ')
  return {
    hardware: model || platform.type || '',
    os: os.name ?? '',
    osVersion: os.version ?? '',
    program: named(browser.name, browser.version) ?? '',
  }
}

/** What a user agent says of program, system and device, for people to read. Never a basis for a decision of trust. */
import Bowser from 'bowser'

export interface UserAgent {
  /** Names with their versions; null where the user agent does not say. */
  readonly browser: string | null
  readonly operatingSystem: string | null
  /** Program and system without their versions; null where the user agent says neither. */
  readonly kind: string | null
  /** As Slack's API tells them apart; empty where the user agent does not say. */
  readonly device: {
    /** Such as `Apple iPhone`, or `desktop`. */
    readonly hardware: string
    readonly os: string
    readonly osVersion: string
    /** Name and version of the program. */
    readonly program: string
  }
}

const NOTHING: UserAgent = {
  browser: null,
  operatingSystem: null,
  kind: null,
  device: { hardware: '', os: '', osVersion: '', program: '' },
}

/** How many user agents one isolate remembers: parsing one takes longer than all the rest of a check. */
const MAX_REMEMBERED = 1_000

const remembered = new Map<string, UserAgent>()

/** Takes a user agent apart. */
export function parseUserAgent(userAgent: string | null): UserAgent {
  if (userAgent === null || userAgent === '') return NOTHING
  const known = remembered.get(userAgent)
  if (known !== undefined) return known
  const { browser, os, platform } = Bowser.parse(userAgent)
  const model = [platform.vendor, platform.model].filter(Boolean).join(' ')
  const program = named(browser.name, browser.version)
  const found = {
    browser: program,
    operatingSystem: named(os.name, os.versionName ?? os.version),
    kind: [browser.name, os.name].filter(Boolean).join(' on ') || null,
    device: {
      hardware: model || platform.type || '',
      os: os.name ?? '',
      osVersion: os.version ?? '',
      program: program ?? '',
    },
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

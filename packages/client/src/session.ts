/** What a session is, as the client hands it over. Instants are RFC 3339. */

/** Why a session ended. */
export type EndReason =
  | 'logout'
  | 'revoked'
  | 'expired'
  | 'idle'
  | 'evicted'
  | 'replaced'
  | 'user_disabled'
  | 'password_changed'
  | 'parent_ended'
  | 'idp_logout'

/** Where a client is. */
export interface Place {
  readonly city: string | null
  readonly region: string | null
  readonly country: string | null
  readonly timeZone: string | null
  readonly latitude: string | null
  readonly longitude: string | null
}

/** A live session. */
export interface Session {
  readonly id: string
  readonly identityStoreId: string
  readonly userId: string
  /** Whether it is the session that was asked with. */
  readonly current: boolean
  readonly openedAt: string
  readonly lastSeenAt: string
  readonly expiresAt: string
  /** Null: it does not idle out. */
  readonly idlesOutAt: string | null
  /** Whether its cookie outlives the browser. */
  readonly persistent: boolean
  readonly credentialsType: string
  readonly address: string | null
  readonly browser: string | null
  readonly operatingSystem: string | null
  /** Null unless the identity store tracks it. */
  readonly location: Place | null
}

/** A name as JSON has it. */
type Snake<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : Text

/** The same with the names that JSON has. */
export type Wire<T> = T extends object ? { readonly [Name in keyof T as Snake<Name & string>]: Wire<T[Name]> } : T

/** Takes JSON's names for JavaScript's: `user_id` is `userId`. */
export function fromWire(value: unknown): unknown {
  return renamed(value, (name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()))
}

/** And the other way. */
export function toWire(value: unknown): unknown {
  return renamed(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((entry) => renamed(entry, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [rename(name), renamed(field, rename)]))
}

/** The session of an answer. */
export function sessionFrom(body: unknown): Session {
  return fromWire(body) as Session
}

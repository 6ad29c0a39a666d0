/** What is stored of profiles as JSON, checked when it is read: another version may have written it. */
import { z } from 'zod'
import type { ProfileBase } from '../domain/profile.ts'
import type { User } from '../store/users.ts'

const text = z.string().nullable()
const StoredProfile = z.object({ firstName: text, lastName: text, emailAddress: text })
const StoredBase = StoredProfile.extend({ version: z.int().nullable() })

/** What somebody asked an object to change. Versions before this one wrote the changed fields alone. */
const StoredRequest = StoredProfile.partial().extend({
  /** Who asked: `user:…` or `credential:…`. Missing: the user. */
  actor: z.string().optional(),
  /** Ours, as it was when the change was sent. */
  ours: StoredProfile.optional(),
})
export type StoredRequest = z.infer<typeof StoredRequest>

/**
 * The merge base of changes of a user's profile that were made here alone; null: there were none, or it is not known.
 */
export function profileBaseOf({ profileBase, profileVersion }: User): ProfileBase | null {
  const base = parse(StoredBase, profileBase)
  // A version that did not keep it may have taken over a newer profile since.
  return base?.version === profileVersion ? base : null
}

/** A request as it was stored; null: this version cannot read it. */
export function storedRequest(json: string): StoredRequest | null {
  return parse(StoredRequest, json)
}

function parse<T>(schema: z.ZodType<T>, json: string | null): T | null {
  try {
    return schema.safeParse(JSON.parse(json ?? 'null')).data ?? null
  } catch {
    return null
  }
}

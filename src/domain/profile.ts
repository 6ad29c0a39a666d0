/** The login profile. Where the application server keeps it too, the two copies are merged field by field. */

/** What a user may change of itself. Null: there is none. */
export interface Profile {
  readonly firstName: string | null
  readonly lastName: string | null
  readonly emailAddress: string | null
}

/** A change of some fields; what is missing stays. */
export type ProfileChanges = { readonly [Field in keyof Profile]?: Profile[Field] | undefined }

/** A profile as the application server has it. `version` grows with every change there, whoever makes it. */
export interface RemoteProfile extends Profile {
  readonly version: number
}

/** The base of a three-way merge: our profile as it was before the first change that was made here alone. */
export interface ProfileBase extends Profile {
  /** The application server's version of that profile; null: the two copies have never agreed. */
  readonly version: number | null
}

const FIELDS = ['firstName', 'lastName', 'emailAddress'] as const

/**
 * Merges the two copies: a field that was changed here and not there stays as it is here; all others are theirs.
 * @param base null: nothing was changed here alone
 */
export function mergeProfile(base: ProfileBase | null, ours: Profile, theirs: RemoteProfile): Profile {
  const field = (name: keyof Profile) => {
    const changedHere = base !== null && ours[name] !== base[name]
    const changedThere =
      base !== null && base.version !== null && base.version !== theirs.version && theirs[name] !== base[name]
    return changedHere && !changedThere ? ours[name] : theirs[name]
  }
  return { firstName: field('firstName'), lastName: field('lastName'), emailAddress: field('emailAddress') }
}

/** A profile after some changes. */
export function changedProfile(profile: Profile, changes: ProfileChanges): Profile {
  const named = Object.entries(changes).filter(([, value]) => value !== undefined)
  const { firstName, lastName, emailAddress } = profile
  return { firstName, lastName, emailAddress, ...Object.fromEntries(named) }
}

/** The fields of `to` in which `from` differs; null for none. */
export function profileDifference(from: Profile, to: Profile): ProfileChanges | null {
  const changed = FIELDS.filter((name) => from[name] !== to[name])
  return changed.length === 0 ? null : Object.fromEntries(changed.map((name) => [name, to[name]]))
}

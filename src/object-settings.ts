/** What every kind of Durable Object reads where it begins. */
import { requireSettings, type Settings } from './settings.ts'

/**
 * The settings of an object's deployment. Throws where it may not begin: what asked for it fails, and an alarm comes again.
 * That is without a secret, and where the deployment has been told another jurisdiction: whom it would tell of its work
 * there is new and empty. An id that names no jurisdiction may be of a runtime that has none.
 */
export function settingsOfObject({ id }: Pick<DurableObjectState, 'id'>, env: object): Settings {
  const settings = requireSettings(env)
  const { jurisdiction } = settings
  if (id.jurisdiction !== undefined && id.jurisdiction !== jurisdiction)
    throw new Error(
      `not configured: JURISDICTION is ${jurisdiction ?? 'not set'}, and this object is in ${id.jurisdiction}`,
    )
  return settings
}

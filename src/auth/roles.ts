/** What a user's role allows. */
import { ROLES, type Role } from '../store/schema.ts'

/** Whether a role may change the store's settings and see others' sessions: `admin` and above. */
export function administers(role: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf('admin')
}

/** Whether one role is above another; no role is above itself. */
export function outranks(role: Role, other: Role): boolean {
  return ROLES.indexOf(role) < ROLES.indexOf(other)
}

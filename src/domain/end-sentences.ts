/**
 * Why sessions end, in words for people. The one table, so that pages, problem documents and administrators read the
 * same.
 */
import type { EndReason } from './session.ts'

export const END_SENTENCES: Readonly<Record<EndReason, string>> = {
  logout: 'The user signed out.',
  revoked: 'The user, an administrator or a back end ended it.',
  expired: 'It had been open for as long as a session may be.',
  idle: 'Nobody had used it for as long as a session may lie idle.',
  evicted: 'The user had more sessions at once than allowed.',
  replaced: 'The same client signed in again.',
  user_disabled: 'The user was disabled or deleted.',
  password_changed: "The user's password was changed.",
  parent_ended: 'The session that it was opened from ended.',
  idp_logout: 'The user was signed out at the sign-in provider.',
}

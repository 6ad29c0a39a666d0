/** Latchkey's client. */
export type { Check, Ended, Opened, OwnEnded, OwnSessions } from './answers.ts'
export type { Client } from './binding.ts'
export {
  type CallOptions,
  type CheckOptions,
  type ClientOptions,
  createClient,
  type EndedOptions,
  type LatchkeyClient,
  type OpenOptions,
  type Sessions,
} from './client.ts'
export { clearSessionCookie, sessionCookie } from './cookies.ts'
export { LatchkeyError } from './error.ts'
export type { EndReason, Place, Session } from './session.ts'
export { SessionOver } from './session-over.ts'

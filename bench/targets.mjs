// What is aimed at, and whether it is reached. A target compares two scenarios, or says how to find its figure.
import { COUNTS, dollars, dollarsOfFreshness } from './cost.ts'
import { ratio } from './rounds.mjs'

const throughput = (what, above, below, least) => ({
  what,
  least,
  find: ({ bursts }) => ratio(bursts, [above, below]),
})
const exactly = (figure) => (figure === undefined ? null : { median: figure, least: figure, most: figure })

export const TARGETS = [
  throughput('strict check, one user ÷ Worker with one object call and a read', 'check', 'object_read', 0.8),
  throughput('strict check ÷ better-auth get-session on D1', 'check', 'better_auth', 6),
  throughput('strict check ÷ better-auth with its cookie cache', 'check', 'better_auth_cached', 2),
  throughput('strict check ÷ workers-oauth-provider', 'check', 'oauth_provider', 2),
  throughput('strict check, many live users ÷ empty Worker', 'check_many', 'empty', 0.15),
  throughput('`max-age` check, warm ÷ empty Worker', 'check_max_age', 'empty', 0.6),
  throughput('`max-age` check, warm ÷ iron-session unseal', 'check_max_age', 'iron_session', 1.4),
  throughput('forged token refused ÷ empty Worker', 'check_forged', 'empty', 0.65),
  throughput(
    'open for a known user, mirror included ÷ better-auth sign-in, hashing off',
    'open_known',
    'better_auth_sign_in',
    2,
  ),
  throughput(
    'open for a brand-new user, likewise ÷ Worker that makes an object with a row and an alarm',
    'open_new',
    'object_new',
    0.8,
  ),
  throughput(
    'the same ÷ Worker that asks D1, makes an object with a row and an alarm, and copies it to D1',
    'open_new',
    'object_new_copied',
    0.8,
  ),
  throughput('sign-in ÷ better-auth sign-in, the same hash', 'sign_in_hashed', 'better_auth_sign_in_hashed', 0.9),
  throughput('sign-in ÷ a Worker that hashes a password', 'sign_in_hashed', 'hash', 0.9),
  {
    what: 'nine o’clock: 500 sign-ins, 20 at a time: refused',
    most: 0,
    find: ({ nineOClock }) => exactly(nineOClock?.refused),
  },
  {
    what: 'CPU per strict check ÷ CPU of the empty Worker',
    most: 5,
    find: ({ bursts }) => ratio(bursts, ['check', 'empty'], 'cpuMicroseconds'),
  },
  {
    what: '`setSettings`, 1 000 users, none live: D1 statements',
    most: 4,
    find: ({ operations }) => exactly(operations.set_settings_0?.statements),
  },
  {
    what: '`setSettings`, 1 000 users, none live: milliseconds',
    most: 20,
    find: ({ operations }) => operations.set_settings_0?.milliseconds ?? null,
  },
  {
    what: 'end of 1 000 sessions: object calls',
    most: 1,
    find: () => exactly(COUNTS['end of 1 000 sessions']?.objectCalls),
  },
  {
    what: 'end of 1 000 sessions: D1 statements of the mirror',
    most: 5,
    find: () => exactly(COUNTS['end of 1 000 sessions']?.mirror),
  },
  {
    what: 'page of 50 sessions at 1 000 000 records ÷ at 10 000, rows read',
    most: 1,
    find: ({ scale }) => {
      const rows = (records) => scale?.sizes.find((size) => size.records === records)?.list?.rowsRead
      return rows(1_000_000) && rows(10_000) ? exactly(rows(1_000_000) / rows(10_000)) : null
    },
  },
  { what: 'dollars per million strict checks', most: 0.5, find: () => exactly(dollars(COUNTS['check, strict'])) },
  {
    what: 'dollars per million checks with `max-age=30`, one in 5 s',
    most: 0.52,
    find: () => exactly(dollarsOfFreshness(30, 5)),
  },
]

/** Every target with what was found: a spread, or null if it was not measured, and whether it is reached. */
export function judge(results) {
  return TARGETS.map(({ what, least, most, find }) => {
    const found = find(results)
    const reached = found === null ? null : least === undefined ? found.median <= most : found.median >= least
    return { what, target: least === undefined ? `≤ ${most}` : `≥ ${least}`, found, reached }
  })
}

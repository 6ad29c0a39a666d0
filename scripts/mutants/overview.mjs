/** Breakages of the lists and figures of an identity store. */

const LISTS = 'test/api/operator/lists.test.ts'
const COUNTERS = 'test/store/session-counters.test.ts'
const OVERVIEW = 'test/api/operator/overview.test.ts'

export const overviewMutants = [
  {
    name: 'overview: with its newest hour a quiet store loses its totals',
    file: 'src/store/housekeeping.ts',
    from: 'AND old.hour < (SELECT max(hour) FROM session_counters WHERE identity_store_id = stores.id)',
    to: '',
    caughtBy: { file: COUNTERS, test: 'old hours are removed hourly, but for the newest' },
  },
  {
    name: 'overview: hours are kept for ever',
    file: 'src/store/housekeeping.ts',
    from: "'counted hours': () => inBatches(maxBatches, () => removeCountedHours(db, now - COUNTED_HOURS_MILLISECONDS)),",
    to: '',
    caughtBy: { file: COUNTERS, test: 'old hours are removed hourly, but for the newest' },
  },
  {
    name: 'overview: hours are kept for a day, and a week is shown',
    file: 'src/limits.ts',
    from: 'export const COUNTED_HOURS_MILLISECONDS = MAX_OVERVIEW_HOURS * 3_600_000',
    to: 'export const COUNTED_HOURS_MILLISECONDS = OVERVIEW_HOURS * 3_600_000',
    caughtBy: { file: COUNTERS, test: 'old hours are removed hourly, but for the newest' },
  },
  {
    name: 'overview: summaries are of the users of any store',
    file: 'src/store/user-summaries.ts',
    from: 'ON users.identity_store_id = ',
    to: 'ON true OR users.identity_store_id = ',
    caughtBy: { file: OVERVIEW, test: 'names users and how they are signed in' },
  },
  {
    name: 'overview: a summary counts every session',
    file: 'src/store/user-summaries.ts',
    from: 'MAX_SUMMARIZED_SESSIONS + 1}))',
    to: 'MAX_SUMMARIZED_SESSIONS + 1_000}))',
    caughtBy: { file: OVERVIEW, test: 'looks at so many sessions of a user' },
  },
  {
    name: 'overview: wrong passwords count for no store',
    file: 'src/store/sign-in-attempts.ts',
    from: 'countFailedSignIn(db, userStoreId ?? NO_STORE, now,',
    to: 'countFailedSignIn(db, NO_STORE, now,',
    caughtBy: { file: OVERVIEW, test: 'says what lives, and what was opened, ended and refused' },
  },
  {
    name: 'overview: the first wrong password is a lockout',
    file: 'src/store/sign-in-attempts.ts',
    from: 'limits.triesPerUserAndAddress === 1 ?',
    to: 'limits.triesPerUserAndAddress > 0 ?',
    caughtBy: { file: OVERVIEW, test: 'counts a lockout once' },
  },
  {
    name: 'overview: jobs that only wait count as failing',
    file: 'src/api/operator/overview.ts',
    from: "state === 'failing'",
    to: "state !== 'done'",
    caughtBy: {
      file: OVERVIEW,
      test: 'says who is locked out, who changed the config last, and what cannot be finished',
    },
  },
  {
    name: 'lists: a full page is followed by the end of what was looked at',
    file: 'src/store/bounded-scan.ts',
    from: 'matching.length > limit ? rows.at(-1) : found.value.at(-1)',
    to: 'found.value.at(-1)',
    caughtBy: { file: LISTS, test: 'are found as a filter says, each once, newest first' },
  },
  {
    name: 'lists: a list ends where so many rows were looked at',
    file: 'src/store/bounded-scan.ts',
    from: 'last.place === last.looked_at && last.looked_at < most',
    to: 'last.place === last.looked_at',
    caughtBy: { file: LISTS, test: 'are found as a filter says, each once, by id or by user name' },
  },
  {
    name: 'lists: events of later slip in',
    file: 'src/store/audit-events.ts',
    from: 'before === undefined ? undefined : sql`at <',
    to: 'before === undefined ? undefined : sql`at + 1 <>',
    caughtBy: { file: LISTS, test: 'are found as a filter says, each once, newest first' },
  },
  {
    name: 'lists: a stream is read ahead of its reader',
    file: 'src/api/ndjson.ts',
    from: 'highWaterMark: 0',
    to: 'highWaterMark: 8',
    caughtBy: { file: LISTS, test: 'are read no further than the reader takes them' },
  },
  {
    name: 'lists: a stream that breaks off looks whole',
    file: 'src/api/ndjson.ts',
    from: 'return controller.error(new Error(next.error.code))',
    to: 'return controller.close()',
    caughtBy: { file: LISTS, test: 'break off when D1 does' },
  },
]

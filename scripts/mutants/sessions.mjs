/** Mutants of what administrators see and end: what is on record of a session, lists, and jobs that end sessions. */
const SESSIONS = 'test/api/operator/sessions.test.ts'
const LISTS = 'test/api/operator/session-lists.test.ts'

export const sessionMutants = [
  {
    name: "sessions: a console session that idles out is told the store's rule",
    file: 'src/domain/lifecycle.ts',
    from: "decidedBy('inactivity_timeout', inactivityTimeout(session, policy))",
    to: "decidedBy('inactivity_timeout', policy.inactivityTimeoutSeconds)",
    caughtBy: { file: 'test/domain/lifecycle.test.ts', test: 'of operators idle out' },
  },
  {
    name: 'sessions: the first device ever is new',
    file: 'src/sessions/object/known-devices.ts',
    from: 'isNew: known.length > 0 &&',
    to: 'isNew:',
    caughtBy: { file: SESSIONS, test: 'never is the first' },
  },
  {
    name: 'sessions: a device that a live session uses is forgotten',
    file: 'src/sessions/object/known-devices.ts',
    from: '...live.filter((one) => uses(one, kind)).map((one) => one.lastSeenAt)',
    to: '0',
    caughtBy: { file: SESSIONS, test: 'is known while a session that lives is used with it' },
  },
  {
    name: 'sessions: a rule that ended one has a caller',
    file: 'src/sessions/object/calls.ts',
    from: 'decision === undefined && !FOUND_VOID.has(reason) ? by : NOBODY',
    to: 'by',
    caughtBy: { file: SESSIONS, test: 'the limit: of all, of a kind of client' },
  },
  {
    name: "sessions: a group's version is that of its users' moves",
    file: 'src/domain/policy.ts',
    from: 'group: rules.group.version % GROUP_CHANGE,',
    to: 'group: rules.group.version + 1,',
    caughtBy: { file: SESSIONS, test: 'a timeout of the group, in its version' },
  },
  {
    name: 'sessions: changes of client are lost at the end',
    file: 'src/sessions/object/rows.ts',
    from: 'clientChanges: row.client_changes === null ? [] : JSON.parse(row.client_changes)',
    to: 'clientChanges: []',
    caughtBy: { file: SESSIONS, test: 'also of a session that has ended' },
  },
  {
    name: 'lists: the last record of a page is shown on the next one too',
    file: 'src/sessions/session-search.ts',
    from: 'found.length >= limit) return',
    to: 'found.length > limit) return',
    caughtBy: { file: LISTS, test: 'a page without a filter reads what it shows' },
  },
  {
    name: 'lists: a cursor is no bound of the index',
    file: 'src/store/session-lists.ts',
    from: 'after.sessionId < last) ? after.sessionId : last',
    to: 'after.sessionId < last) ? last : last',
    caughtBy: { file: LISTS, test: 'is found whole, once and in order' },
  },
  {
    name: 'lists: the work has no bound',
    file: 'src/sessions/session-search.ts',
    from: 'scanSessions(db, search, after, { limit, mostRows: MAX_SCANNED_ROWS })',
    to: 'scanSessions(db, search, after, { limit, mostRows: 2 * MAX_SCANNED_ROWS })',
    caughtBy: { file: LISTS, test: '2 000 records at a time' },
  },
  {
    name: 'ends: far more end than were seen',
    file: 'src/api/operator/session-ends.ts',
    from: 'items.length > expected * MAX_GROWTH_OF_ENDS',
    to: 'items.length > expected * 2',
    caughtBy: { file: SESSIONS, test: 'unless far more than expected' },
  },
  {
    name: 'ends: spread over no time',
    file: 'src/sessions/jobs/end-sessions.ts',
    from: 'job.overSeconds === 0 || again ? pause',
    to: 'true ? pause',
    caughtBy: { file: SESSIONS, test: 'are spread over a time' },
  },
  {
    name: 'ends: a step that is done again takes its ends for those of others',
    file: 'src/sessions/object/user-sessions.ts',
    from: "ending.by.requestId === by.requestId ? 'ended' : 'already_ended'",
    to: "'already_ended'",
    caughtBy: { file: SESSIONS, test: 'say what became of each' },
  },
  {
    name: 'ends: results are kept without end',
    file: 'src/sessions/jobs/end-sessions.ts',
    from: "if (job.finishedAt !== null) return { next: 'done' }",
    to: 'if (job.finishedAt !== null) return finished(job, job.cancelled, context.now)',
    caughtBy: { file: SESSIONS, test: 'are spread over a time' },
  },
  {
    name: 'jobs: work that completes a change can be given up',
    file: 'src/sessions/jobs/run-job.ts',
    from: "return kind === 'end_sessions' || kind === 'reset_users'",
    to: 'return true || kind',
    caughtBy: { file: SESSIONS, test: 'a job that completes a change cannot be given up' },
  },
]

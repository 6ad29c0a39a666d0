/** Breakages of what keeps the storage bounded, and durable work going. */

const HOUSEKEEPING = 'src/store/housekeeping.ts'
const KEPT = 'test/store/housekeeping.test.ts'
const JOBS = 'test/sessions/store-jobs.test.ts'
const PLANS = 'test/store/plans.test.ts'

export const storageMutants = [
  {
    name: 'storage: session records are kept for ever',
    file: HOUSEKEEPING,
    from: "'session records': () => inBatches(maxBatches, () => removeEndedSessions(db, before(retention.sessionRecordDays))),",
    to: '',
    caughtBy: { file: KEPT, test: 'are kept for 90 days, and removed then' },
  },
  {
    name: 'storage: a backlog stops at its first batch',
    file: HOUSEKEEPING,
    from: 'if (removed.value < REMOVAL_BATCH_ROWS) break',
    to: 'break',
    caughtBy: { file: KEPT, test: 'are removed whatever the backlog' },
  },
  {
    name: 'storage: spent counters are removed by one statement without end',
    file: HOUSEKEEPING,
    from: '{due} LIMIT ',
    to: '{due} LIMIT 1000 * ',
    caughtBy: { file: KEPT, test: 'whatever the backlog, in so many batches an hour, and what still counts stays' },
  },
  {
    name: 'storage: a run removes without end',
    file: HOUSEKEEPING,
    from: 'batches < maxBatches',
    to: 'batches >= 0',
    caughtBy: { file: KEPT, test: 'are removed in so many batches an hour' },
  },
  {
    name: 'storage: a late copy brings back what a deletion cleared',
    file: 'src/store/session-records.ts',
    from: 'return PERSONAL.includes(field) ?',
    to: 'return false ?',
    caughtBy: { file: KEPT, test: 'nor does an object that learns of the deletion only' },
  },
  {
    name: 'storage: locations are looked for where none were kept',
    file: 'src/sessions/session-changes.ts',
    from: "needless: before.trackSessionLocation ? [] : ['clear_locations']",
    to: 'needless: before.trackSessionLocation ? [] : []',
    caughtBy: { file: 'test/api/looker/config-effects.test.ts', test: 'turned off where it was off, starts nothing' },
  },
  {
    name: "storage: everybody's attempts are read for a store's lockouts",
    file: 'src/store/lockouts.ts',
    from: ' INDEXED BY lockouts_of_store_newest_first',
    to: '',
    caughtBy: { file: PLANS, test: 'lockouts are found by their index' },
  },
  {
    name: "storage: a deletion reads every audit event of the user's store",
    file: 'src/store/erasure.ts',
    from: ' AND subject = $',
    to: " AND action <> '' AND subject = $",
    caughtBy: { file: PLANS, test: 'no statement of what happens often' },
  },
  {
    name: 'storage: audit events of the first store alone',
    file: HOUSEKEEPING,
    from: 'FROM stores WHERE stores.id IS NOT NULL)',
    to: 'FROM stores WHERE stores.id IS NULL)',
    caughtBy: { file: KEPT, test: 'are kept for 400 days, of every store' },
  },
  {
    name: "storage: operators' dead credentials go",
    file: HOUSEKEEPING,
    from: ' AND identity_store_id <> ',
    to: ' OR identity_store_id = ',
    caughtBy: { file: KEPT, test: 'for they show that a first operator was made' },
  },
  {
    name: 'storage: what fails keeps the rest from being removed',
    file: HOUSEKEEPING,
    from: "if (!removed.ok) console.error('not removed', { what, ...logContext.getStore() })",
    to: "if (!removed.ok) return console.error('not removed', { what, ...logContext.getStore() })",
    caughtBy: { file: KEPT, test: 'what fails does not keep the rest from being removed' },
  },
  {
    name: 'storage: what one statement does not erase of a deleted user stays',
    file: 'src/sessions/jobs/erase-user.ts',
    from: "{ next: 'again', dueAt: now,",
    to: "{ next: 'done', dueAt: now,",
    caughtBy: { file: KEPT, test: 'of a great many sessions' },
  },
  {
    name: 'storage: a job erases a user who was not deleted',
    file: 'src/store/erasure.ts',
    from: 'sql`EXISTS (SELECT 1 FROM audit_events AS deletion',
    to: 'sql`0 = 0 OR EXISTS (SELECT 1 FROM audit_events AS deletion',
    caughtBy: { file: KEPT, test: 'of a great many sessions' },
  },
  {
    name: "storage: a deleted user's sessions keep their addresses",
    file: 'src/store/erasure.ts',
    from: '.set({ address: null, userAgent: null, recentAddress: null, recentUserAgent: null, location: null })',
    to: '.set({ location: null })',
    caughtBy: { file: KEPT, test: 'a deleted user leaves no name' },
  },
  {
    name: "storage: a deleted user's audit events keep its names",
    file: 'src/store/erasure.ts',
    from: '.set({ before: withoutNames(auditEvents.before), after: withoutNames(auditEvents.after) })',
    to: '.set({ actor: auditEvents.actor })',
    caughtBy: { file: KEPT, test: 'a deleted user leaves no name' },
  },
  {
    name: 'storage: an unknown job holds up the others',
    file: 'src/sessions/jobs/store-jobs.ts',
    from: 'if (job === null) return this.leaveUnknown(row, kind)',
    to: "if (job === null) throw new Error('unknown job')",
    caughtBy: { file: JOBS, test: 'waits, holds up no other job, and is logged' },
  },
  {
    name: 'storage: every record of a store is read for locations',
    file: 'src/store/live-users.ts',
    from: ' INDEXED BY sessions_with_location',
    to: '',
    caughtBy: { file: PLANS, test: 'users with locations are found by their index' },
  },
  {
    name: 'storage: every /healthz asks every binding',
    file: 'src/services.ts',
    from: 'if (known === undefined || now < known.at || now - known.at >= milliseconds)',
    to: '',
    caughtBy: { file: 'test/app.test.ts', test: '/healthz asks the bindings at most every five seconds' },
  },
  {
    name: 'storage: outages are logged without the request',
    file: 'src/time-limit.ts',
    from: '...logContext.getStore(), ...(requestId',
    to: '...(requestId',
    caughtBy: { file: 'test/app.test.ts', test: 'an outage is logged with the request that it kept waiting' },
  },
  {
    name: 'storage: a check that is answered 503 is logged nowhere',
    file: 'src/app.ts',
    from: "if (response.status === 503) console.warn('answered 503', { requestId: context.requestId })",
    to: '',
    caughtBy: { file: 'test/app.test.ts', test: 'is not taken for a bug, and says when to come back' },
  },
]

/** Epochs, last activity, the bounds of an object, and its mirror. */

const RULES = 'test/sessions/changing-rules.test.ts'
const STORAGE_TEST = 'test/sessions/storage.test.ts'
const ACTIVITY = 'test/sessions/activity.test.ts'
const LIFECYCLE = 'src/domain/lifecycle.ts'
const OBJECT = 'src/sessions/object/user-sessions.ts'
const STORAGE = 'src/sessions/object/storage.ts'
const MIRROR = 'src/sessions/object/mirror.ts'

export const epochMutants = [
  {
    name: 'epoch: an older one is good enough to open',
    file: LIFECYCLE,
    from: 'if (isVoid(command.session, state.status.version)) return',
    to: 'if (isVoid(command.session, 0)) return',
    caughtBy: { file: RULES, test: 'a sign-in that is held between look-up and opening' },
  },
  {
    name: 'epoch: a session has that of its opening',
    file: OBJECT,
    from: 'const epoch = (updates.status ?? this.storage.rules.status).version',
    to: 'const epoch = this.storage.rules.status.version',
    caughtBy: { file: RULES, test: 'a sign-in that is held between look-up and opening' },
  },
  {
    name: 'epoch: sessions of a version without epochs have the next one',
    file: STORAGE,
    from: '    this.living()\n    const written',
    to: '    const written',
    caughtBy: { file: STORAGE_TEST, test: 'a session of a version without epochs' },
  },
  {
    name: 'epoch: login tokens outlive it',
    file: 'src/identity/login-tokens.ts',
    from: ': user.user.statusVersion === epoch',
    to: ': true',
    caughtBy: { file: 'test/api/apio/login-tokens.test.ts', test: 'meanwhile does not get in' },
  },
  {
    name: 'activity: what a burst leaves is not written',
    file: OBJECT,
    from: '    this.storage.writeActivity(Date.now() - BURST_GAP_MILLISECONDS)\n',
    to: '',
    caughtBy: { file: ACTIVITY, test: 'after 3 checks, 1 s apart' },
  },
  {
    name: 'activity: a check after a pause is not written',
    file: STORAGE,
    from: ' || (exact && !inBurst)',
    to: '',
    caughtBy: { file: ACTIVITY, test: 'once for each check on its own' },
  },
  {
    name: 'activity: a crash counts as silence',
    file: 'src/sessions/object/rows.ts',
    from: 'row.seen_by ?? row.last_seen_at',
    to: 'row.last_seen_at',
    caughtBy: { file: ACTIVITY, test: 'a crash within a burst' },
  },
  {
    name: 'activity: answers from memory are as old as is asked for',
    file: 'src/sessions/check-memory.ts',
    from: 'if (age > most || now >= idlesOutAt) return null',
    to: 'if (now >= idlesOutAt) return null',
    caughtBy: { file: ACTIVITY, test: 'no older than a tenth of the inactivity timeout' },
  },
  {
    name: 'activity: each change of client is written',
    file: 'src/sessions/object/activity.ts',
    from: 'now - (live.clientWrittenAt ?? 0) >= writeAfter',
    to: 'now >= 0',
    caughtBy: { file: ACTIVITY, test: 'a client that changes back and forth' },
  },
  {
    name: 'bounds: an instance forgets nothing before its twentieth end',
    file: MIRROR,
    from: 'private endsSincePrune = REMEMBERED_ENDED',
    to: 'private endsSincePrune = 0',
    caughtBy: { file: STORAGE_TEST, test: 'by an object that sees one of them' },
  },
  {
    name: 'bounds: to read makes tables',
    file: STORAGE,
    from: 'if (this.tables) migrate(sql, STEPS)',
    to: 'migrate(sql, STEPS)',
    caughtBy: { file: STORAGE_TEST, test: 'is asked, told and disabled without writing anything' },
  },
  {
    name: "bounds: a deleted user's object is kept",
    file: OBJECT,
    from: '      if (this.mayBeEmptied) {',
    to: '      if (false as boolean) {',
    caughtBy: { file: STORAGE_TEST, test: 'for an hour, and is then empty' },
  },
  {
    name: 'bounds: no ceiling of web sessions',
    file: 'src/domain/policy.ts',
    from: "typeof value !== 'number' || value > ceiling",
    to: 'Number(value) > ceiling',
    caughtBy: { file: 'test/sessions/limit.test.ts', test: 'no more than 1 000 web sessions' },
  },
  {
    name: 'bounds: the own list has one page',
    file: 'src/sessions/object/calls.ts',
    from: 'before === null || session.id < before',
    to: 'before !== session.id',
    caughtBy: { file: 'test/api/sessions/own.test.ts', test: 'comes in pages' },
  },
  {
    name: 'mirror: a trip of any weight',
    file: 'src/sessions/object/mirror-batches.ts',
    from: 'const MAX_BYTES = 1_900_000',
    to: 'const MAX_BYTES = 1_900_000_000',
    caughtBy: { file: 'test/sessions/mirror-batches.test.ts', test: 'weighs less than D1 takes' },
  },
  {
    name: 'mirror: a bug takes the alarm away',
    file: MIRROR,
    from: 'this.failures = copied ? 0 : this.failures + 1',
    to: 'if (!copied) return',
    caughtBy: { file: 'test/sessions/mirror.test.ts', test: 'does not take the alarm away' },
  },
  {
    name: 'memory: what was learned outlives a change that was not told',
    file: 'src/sessions/check-memory.ts',
    from: '    } finally {\n      forget()\n    }',
    to: '    } finally {\n      of satisfies Whose\n    }',
    caughtBy: { file: 'test/sessions/check-memory.test.ts', test: 'after the work' },
  },
  {
    name: 'memory: what was learned is answered from while the objects are told',
    file: 'src/sessions/session-changes.ts',
    from: '      forget()\n      const applied = await made.value.jobs.confirm()',
    to: '      const applied = await made.value.jobs.confirm()',
    caughtBy: { file: RULES, test: 'while its objects are told' },
  },
]

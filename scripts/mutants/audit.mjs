/** Breakages of the audit log: how it is sealed and cut, and what of it is verified. */

const CHAIN = 'src/audit/chain.ts'
const CARE = 'src/audit/care.ts'
const KEPT = 'src/store/audit-chain.ts'
const TEST = 'test/audit/chain.test.ts'
const ERASURE = 'src/store/erasure.ts'
const ERASED = { file: 'test/audit/erasure.test.ts', test: 'a deleted user is found nowhere' }

export const auditMutants = [
  {
    name: 'audit chain: a body that was erased meanwhile is sealed',
    file: KEPT,
    from: 'AND sealed_number = ?2 AND erasures = ?3',
    to: 'AND sealed_number = ?2 AND erasures >= ?3 - 9',
    caughtBy: { file: TEST, test: 'does not seal a body that was erased after it was read' },
  },
  {
    name: 'audit chain: who is late seals once more',
    file: KEPT,
    from: 'AND sealed_number = ?2 AND erasures = ?3',
    to: 'AND sealed_number >= ?2 AND erasures = ?3',
    caughtBy: { file: TEST, test: 'by two at once is done once' },
  },
  {
    name: 'audit chain: a batch is all there is',
    file: CARE,
    from: 'written.value && places.length < SEAL_BATCH_ROWS',
    to: 'written.value',
    caughtBy: { file: TEST, test: 'goes through whatever there is' },
  },
  {
    name: 'audit chain: the first page of stores is all there is',
    file: 'src/scheduled.ts',
    from: 'stores.length < storesInPage ? undefined : stores.at(-1)',
    to: 'undefined',
    caughtBy: { file: TEST, test: 'is done by the object of each store, page after page' },
  },
  {
    name: 'audit chain: events are not told by the one they follow',
    file: CHAIN,
    from: 'event?.previousHash !== before.hash',
    to: 'event === null',
    caughtBy: { file: TEST, test: 'one that was altered and sealed anew' },
  },
  {
    name: 'audit chain: its end is not known',
    file: CHAIN,
    from: '  skip(until.number + 1)\n',
    to: '',
    caughtBy: { file: TEST, test: 'one that is missing, whether its place went' },
  },
  {
    name: 'audit chain: whoever likes erases',
    file: CHAIN,
    from: "return mayBeErased ? null : 'erased'",
    to: 'return null',
    caughtBy: { file: TEST, test: 'a body that is gone although its user was not deleted' },
  },
  {
    name: 'audit chain: bodies are not verified',
    file: CHAIN,
    from: "return hashOfBody(salt, event) === bodyHash ? null : 'altered'",
    to: 'return null',
    caughtBy: { file: TEST, test: 'an event of which before' },
  },
  {
    name: 'audit chain: an event needs no place',
    file: KEPT,
    from: 'placed === 0',
    to: 'placed === 2',
    caughtBy: { file: TEST, test: 'one that was inserted, without a place' },
  },
  {
    name: 'audit chain: retention goes by ids, past what is to be kept',
    file: CARE,
    from: 'event !== null && event.at >= before',
    to: 'event !== null && event.at > now',
    caughtBy: { file: TEST, test: 'stay until they are sealed, and as long as one' },
  },
  {
    name: 'audit chain: heads are told whether it has grown or not',
    file: KEPT,
    from: 'gt(auditChains.sealedNumber, auditChains.publishedNumber)',
    to: 'gt(auditChains.sealedNumber, 0)',
    caughtBy: { file: TEST, test: 'are told each hour, signed' },
  },
  {
    name: 'erasure: the sealed bodies of what was done to the credentials of a user stay',
    file: ERASURE,
    from: '    bodies(about),\n',
    to: '',
    caughtBy: ERASED,
  },
  {
    name: 'erasure: the bodies of it that are not sealed yet stay',
    file: ERASURE,
    from: '    bodies(unnoted),\n',
    to: '',
    caughtBy: ERASED,
  },
  {
    name: 'erasure: the names and addresses of credentials stay',
    file: ERASURE,
    from: ".set({ name: '', addressAllowList: null })",
    to: '.set({ revokedAt: credentials.revokedAt })',
    caughtBy: ERASED,
  },
  {
    name: 'erasure: login tokens stay',
    file: ERASURE,
    from: 'eq(loginTokens.userId, userId)',
    to: "eq(loginTokens.userId, '')",
    caughtBy: ERASED,
  },
  {
    name: 'erasure: lockouts stay',
    file: ERASURE,
    from: 'isNotNull(signInAttempts.lockedUntil)',
    to: 'eq(signInAttempts.lockedUntil, 0)',
    caughtBy: ERASED,
  },
  {
    name: 'erasure: counters of wrong passwords keep the name',
    file: ERASURE,
    from: "userSubject(username ?? '')",
    to: "userSubject('')",
    caughtBy: ERASED,
  },
  {
    name: 'erasure: a profile change that waits goes on after the deletion',
    file: 'src/identity/user-profiles.ts',
    from: 'if (owned.ok && owned.value !== null && owned.value.deletedAt !== null) return true',
    to: 'if (owned.ok && owned.value === null) return true',
    caughtBy: ERASED,
  },
]

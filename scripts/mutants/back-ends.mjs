/** Mutants of what back ends ask and open. */
const CHECK = 'test/api/sessions/check.test.ts'

export const backEndMutants = [
  {
    name: 'back ends: a check tells of sessions of other stores',
    file: 'src/sessions/service.ts',
    from: 'return !verified.ok || this.isOfStore(verified.value, identityStoreId)',
    to: 'return !verified.ok || identityStoreId !== null',
    caughtBy: { file: CHECK, test: 'that it knows none' },
  },
  {
    name: "back ends: a check takes the back end's address for the user's",
    file: 'src/api/sessions/check.ts',
    from: 'const client = asked === null ? null :',
    to: 'const client = asked === null ? context.client :',
    caughtBy: { file: CHECK, test: 'names the client' },
  },
  {
    name: 'back ends: what cannot be checked is said to be no session',
    file: 'src/api/sessions/check.ts',
    from: "if (error.code !== 'session_ended') return null",
    to: "if (error.code !== 'session_ended') return { state: 'unauthenticated' }",
    caughtBy: { file: CHECK, test: 'never takes what cannot be checked for live' },
  },
  {
    name: 'back ends: an old answer has no age',
    file: 'src/api/sessions/check.ts',
    from: 'maxAgeSeconds > 0 ? { age: String(ageSeconds) } : {}',
    to: 'maxAgeSeconds < 0 ? { age: String(ageSeconds) } : {}',
    caughtBy: { file: CHECK, test: 'accepts an old answer' },
  },
  {
    name: 'back ends: a bound Worker cannot say whose client it is',
    file: 'src/entrypoint.ts',
    from: '{ ...how, cookie: false, requestId:',
    to: '{ ...how, cookie: false, client: null, requestId:',
    caughtBy: { file: 'test/entrypoint.test.ts', test: 'says whose client it is' },
  },
  {
    name: 'back ends: the region of an opening is lost on the way',
    file: 'src/sessions/service.ts',
    from: 'userStub(this.deps.users, owner, region)',
    to: 'userStub(this.deps.users, owner)',
    caughtBy: { file: 'test/sessions/region.test.ts', test: 'the region that it names' },
  },
  {
    name: 'idempotency: the caller is no part of the key',
    file: 'src/api/idempotency.ts',
    from: 'about: [caller.value, method,',
    to: 'about: [method,',
    caughtBy: { file: 'test/api/idempotency.test.ts', test: 'keeps keys to itself' },
  },
  {
    name: 'idempotency: another body is not noticed',
    file: 'src/store/idempotent-requests.ts',
    from: 'if (row.bodyHash !== bodyHash)',
    to: "if (row.bodyHash === '')",
    caughtBy: { file: 'test/api/idempotency.test.ts', test: 'is refused with another body' },
  },
  {
    name: 'idempotency: a key that is claimed is claimed again',
    file: 'src/store/idempotent-requests.ts',
    from: 'setWhere: lte(t.expiresAt, now)',
    to: 'setWhere: lte(t.expiresAt, until)',
    caughtBy: { file: 'test/api/idempotency.test.ts', test: 'at the same time' },
  },
  {
    name: 'idempotency: what never happened is kept',
    file: 'src/api/idempotency.ts',
    from: 'if (saysThatNothingHappened(status)) return null',
    to: 'if (saysThatNothingHappened(0)) return null',
    caughtBy: { file: 'test/api/idempotency.test.ts', test: 'the key is free again' },
  },
  {
    name: 'idempotency: a claim that ran out still counts',
    file: 'src/store/idempotent-requests.ts',
    from: 'eq(idempotentRequests.expiresAt, until))',
    to: 'lte(idempotentRequests.expiresAt, until + 1e9))',
    caughtBy: { file: 'test/api/idempotency.test.ts', test: 'become another' },
  },
  {
    name: 'idempotency: an answer opens under any key',
    file: 'src/api/idempotency.ts',
    from: "seal('idempotent_answer', NO_STORE, claim.keyHash,",
    to: "seal('idempotent_answer', NO_STORE, NO_STORE,",
    caughtBy: { file: 'test/api/idempotency.test.ts', test: 'is given the answer of the first time' },
  },
]

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
    from: '{ ...asked, cookie: false }, Date.now()',
    to: '{ ...asked, cookie: false, client: null }, Date.now()',
    caughtBy: { file: 'test/entrypoint.test.ts', test: 'says whose client it is' },
  },
  {
    name: 'back ends: the region of an opening is lost on the way',
    file: 'src/sessions/service.ts',
    from: 'userStub(this.deps.users, owner, region)',
    to: 'userStub(this.deps.users, owner)',
    caughtBy: { file: 'test/sessions/region.test.ts', test: 'the region that it names' },
  },
]

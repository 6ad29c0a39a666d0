/** Breakages of who may call the operator API. */

const MATRIX = 'test/tenancy-matrix.test.ts'
const CALLER = 'src/api/operator/caller.ts'
const CONSOLE = 'test/api/operator/console-sessions.test.ts'

export const callerMutants = [
  {
    name: 'callers: a code is a fresh proof',
    file: CALLER,
    from: "kind === 'operator' && credentialsType === 'login_token' ? openedAt",
    to: "kind === 'api' && credentialsType === 'login_token' ? openedAt",
    caughtBy: { file: CONSOLE, test: 'opens one session, which may do all but what needs a fresh proof' },
  },
  {
    name: 'callers: a code outlives its credential',
    file: 'src/sessions/console-sessions.ts',
    from: 'const voided = await voidConsoleCodes(this.db, credentialId)',
    to: "const voided = await voidConsoleCodes(this.db, '')",
    caughtBy: { file: CONSOLE, test: 'is of no use after five minutes' },
  },
  {
    name: 'callers: a limited operator finds every store',
    file: CALLER,
    from: 'if (isLimited && !limitedStoreIds.includes(',
    to: 'if (isLimited && limitedStoreIds.length === 0 && !limitedStoreIds.includes(',
    caughtBy: { file: MATRIX, test: 'limited to a store, finds no other' },
  },
  {
    name: 'callers: no scope is needed',
    file: CALLER,
    from: 'scope === null ? scopes.length === 0 : !scopes.includes(scope)',
    to: 'scopes.length === 0',
    caughtBy: { file: MATRIX, test: 'may do that, in every store' },
  },
  {
    name: 'callers: an old proof is good',
    file: CALLER,
    from: 'now >= confirmedUntil(session)',
    to: 'now < 0',
    caughtBy: { file: CONSOLE, test: 'wants the token again after five minutes' },
  },
  {
    name: 'callers: a key is made to administer other stores without a fresh proof',
    file: 'src/api/operator/credential-routes.ts',
    from: "confirmed: true,\n    summary: 'Let an access key administer",
    to: "summary: 'Let an access key administer",
    caughtBy: { file: MATRIX, test: 'hands out no power without a fresh proof' },
  },
  {
    name: 'callers: a form changes something by cookie',
    file: 'src/auth/origins.ts',
    from: "origin !== null && origins.includes(origin) && request.headers.get('latchkey-console') === '1'",
    to: 'origin !== null && origins.includes(origin)',
    caughtBy: { file: CONSOLE, test: 'a page of the service that does not mean it' },
  },
  {
    name: 'callers: a revoked credential leaves its console sessions',
    file: 'src/sessions/console-sessions.ts',
    from: "checkUsable({ ...found.value, standing: 'good' }, client, now)",
    to: 'ok()',
    caughtBy: { file: CONSOLE, test: 'also where D1 alone knows of that' },
  },
  {
    name: 'callers: all sessions of a store are ended without a fresh proof',
    file: 'src/api/operator/session-ends.ts',
    from: 'const confirmed = isWholeStore ? requireConfirmed(context.caller.session, context.now) : ok()',
    to: 'const confirmed = isWholeStore ? requireConfirmed(null, context.now) : ok()',
    caughtBy: { file: CONSOLE, test: 'wants an administrator to have signed in just now' },
  },
]

/** Breakages of sign-in and of the login profile. */

const MODES = 'test/api/apio/login-modes.test.ts'
const WRITES = 'test/api/apio/profile-writes.test.ts'
const LOGIN = 'test/api/apio/login.test.ts'
const TOKENS = 'test/api/apio/login-tokens.test.ts'
const OPENID = 'test/api/apio/openid.test.ts'
const OBJECT = 'src/identity/user-profiles.ts'
const OPENID_SOURCE = 'src/identity/openid.ts'

export const apioMutants = [
  {
    name: 'APIO: profile of SERVER_LOGIN is ours alone',
    file: 'src/identity/login-modes.ts',
    from: "{ passwordCheckedBy: 'application_server', profileWrittenTo: 'both' }",
    to: "{ passwordCheckedBy: 'application_server', profileWrittenTo: 'ours' }",
    caughtBy: { file: MODES, test: 'a change answers 200; ours changes, theirs changes' },
  },
  {
    name: 'APIO: no alarm before the first call',
    file: OBJECT,
    from: 'await this.ctx.storage.setAlarm(Date.now() + PROFILE_GRACE_MILLISECONDS)',
    to: '',
    caughtBy: { file: WRITES, test: 'an object that dies while it writes theirs leaves them equal' },
  },
  {
    name: 'APIO: settling does not send the change again',
    file: OBJECT,
    from: 'const sent = await this.server.updateProfile(username, update, idempotencyKey, baseVersion, asker)',
    to: "const sent: any = { ok: false, error: { code: 'version_conflict' } }",
    caughtBy: { file: WRITES, test: 'writing theirs, late leaves them equal' },
  },
  {
    name: 'APIO: a lost answer is taken for a refusal',
    file: 'src/identity/application-server.ts',
    from: "return fail(status >= 500 && status !== 503 ? { code: 'unknown' } : fault)",
    to: 'return fail(fault)',
    caughtBy: { file: WRITES, test: 'writing theirs, crash after leaves them equal' },
  },
  {
    name: 'APIO: changes of one user cross',
    file: 'src/turns.ts',
    from: 'const turn = this.last.then(work)',
    to: 'const turn = work()',
    caughtBy: { file: WRITES, test: 'one after the other' },
  },
  {
    name: 'APIO: an older profile is taken over a newer one',
    file: 'src/store/profiles.ts',
    from: 'const older = sql`',
    to: 'const older = sql`true OR ',
    caughtBy: { file: WRITES, test: 'in the audit log, once' },
  },
  {
    name: 'APIO: foreign pages',
    file: 'src/api/apio/caller.ts',
    from: 'if (originAllowed(request, services.settings)) return ok()',
    to: "if (request.url !== '') return ok()",
    caughtBy: { file: LOGIN, test: 'no sign-in, no write, no logout, no token; nothing is changed' },
  },
  {
    name: 'APIO: a live session survives a sign-in',
    file: 'src/api/apio/login.ts',
    from: 'services.sessions.open(user, opening, rules, carried)',
    to: 'services.sessions.open(user, opening, rules, [])',
    caughtBy: { file: LOGIN, test: 'a sign-in ends it: replaced' },
  },
  {
    name: 'APIO: login tokens last',
    file: 'src/store/login-tokens.ts',
    from: 'gt(loginTokens.expiresAt, now)',
    to: 'gt(loginTokens.expiresAt, 0)',
    caughtBy: { file: TOKENS, test: 'it is good for 60 seconds' },
  },
  {
    name: "APIO: login tokens outlive their maker's password",
    file: 'src/store/login-tokens.ts',
    from: 'eq(loginTokens.makerUserId, makerUserId), where)',
    to: 'eq(loginTokens.makerUserId, makerUserId), sql`false`)',
    caughtBy: { file: TOKENS, test: 'voids what was made for others before' },
  },
  {
    name: 'APIO: login tokens of a maker who was changed meanwhile',
    file: 'src/store/login-tokens.ts',
    from: 'insertWhere(db, loginTokens, token, where)',
    to: 'insertWhere(db, loginTokens, token, sql`true`)',
    caughtBy: { file: TOKENS, test: 'while its maker gets a new password is not made' },
  },
  {
    name: 'APIO: admins make tokens for members',
    file: 'src/domain/authority.ts',
    from: "generate_login_token: { oneself: true, from: 'owner'",
    to: "generate_login_token: { oneself: true, from: 'admin'",
    caughtBy: { file: TOKENS, test: 'owners make tokens for users of their store' },
  },
  {
    name: 'APIO: half a character in an ID token',
    file: OPENID_SOURCE,
    from: 'findIllFormedText([sub, sid, email]) !== null',
    to: 'findIllFormedText([]) !== null',
    caughtBy: { file: OPENID, test: 'a subject with half a character' },
  },
  {
    name: 'APIO: signatures of ID tokens',
    file: 'src/identity/openid-configurations.ts',
    from: '        client.enableNonRepudiationChecks,\n',
    to: '',
    caughtBy: { file: OPENID, test: "another's signature" },
  },
  {
    name: 'APIO: addresses that nobody verified',
    file: OPENID_SOURCE,
    from: 'emailVerified === true && ',
    to: '',
    caughtBy: { file: OPENID, test: 'an address that is not verified' },
  },
]

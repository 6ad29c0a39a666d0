/** Breakages of whom a profile, a subject, a login token and an application server's answer belong to. */

const TOKENS = 'test/api/apio/login-tokens.test.ts'
const OPENID = 'test/api/apio/openid.test.ts'
const MERGE = 'test/api/apio/profile-merge.test.ts'
const SERVER = 'test/identity/application-server.test.ts'
const STORED = 'test/identity/pending-change.test.ts'
const PROVIDERS = 'src/store/openid-providers.ts'
const CONTRACT = 'src/identity/application-server.ts'
const CALLS = 'src/identity/application-server-calls.ts'
const OBJECT = 'src/identity/user-profiles.ts'

export const identityMutants = [
  {
    name: 'identity: a session of before a new password makes a login token',
    file: 'src/api/apio/caller.ts',
    from: 'if (user.value === null || !stillHolds(checked.session, user.value.user))',
    to: 'if (user.value === null)',
    caughtBy: { file: 'test/api/apio/login-tokens.test.ts', test: 'checked before its maker got a new password' },
  },
  {
    name: 'identity: a session of before a new password changes the config',
    file: 'src/api/looker/caller.ts',
    from: ' || !stillHolds(session.value.session, user.value.user)',
    to: '',
    caughtBy: { file: 'test/api/looker/config-concurrency.test.ts', test: 'got a new password changes nothing' },
  },
  {
    name: 'identity: the maker of a login token is not looked at again',
    file: 'src/identity/login-tokens.ts',
    from: 'find(makerUserId ?? userId)',
    to: 'find(userId)',
    caughtBy: { file: TOKENS, test: 'the maker is looked at again' },
  },
  {
    name: 'identity: subjects of any issuer',
    file: PROVIDERS,
    from: '          eq(users.openidIssuer, issuer),\n',
    to: '',
    caughtBy: { file: OPENID, test: 'a subject of which no issuer is known finds nobody' },
  },
  {
    name: 'identity: of first OpenID sign-ins at the same time one gets in',
    file: PROVIDERS,
    from: ' OR $',
    to: ' AND $',
    caughtBy: { file: OPENID, test: 'at the same time are all the same user' },
  },
  {
    name: 'identity: subjects outlive their provider',
    file: PROVIDERS,
    from: '.set({ openidSubject: null, openidIssuer: null })',
    to: '.set({ openidIssuer: issuer })',
    caughtBy: { file: 'test/api/operator/openid.test.ts', test: 'forgotten with its issuer' },
  },
  {
    name: 'identity: addresses compare as Unicode has them',
    file: PROVIDERS,
    from: '  const named = sql',
    to: '  verifiedEmail = verifiedEmail.toLowerCase()\n  const named = sql',
    caughtBy: { file: OPENID, test: 'is not that of' },
  },
  {
    name: 'identity: the look-up by address reads the whole store',
    file: PROVIDERS,
    from: 'WHERE named.identity_store_id =',
    to: 'WHERE +named.identity_store_id =',
    caughtBy: { file: OPENID, test: 'through an index' },
  },
  {
    name: 'identity: who puts a user back vouches for the address',
    file: 'src/store/user-changes.ts',
    from: 'const writtenBack = sql`lower(',
    to: 'const writtenBack = sql`NULL AND lower(',
    caughtBy: { file: OPENID, test: 'puts a user back as it was' },
  },
  {
    name: 'identity: ID tokens of the future',
    file: 'src/identity/openid.ts',
    from: 'claims.iat * 1000 > now + CLOCK_TOLERANCE_MILLISECONDS',
    to: 'claims.iat < 0',
    caughtBy: { file: OPENID, test: 'issued in the future' },
  },
  {
    name: 'identity: theirs is taken whole',
    file: 'src/domain/profile.ts',
    from: 'return changedHere && !changedThere ? ours[name] : theirs[name]',
    to: 'return theirs[name]',
    caughtBy: { file: MERGE, test: 'while the setting was off goes to the other' },
  },
  {
    name: 'identity: ours beats what was changed there',
    file: 'src/domain/profile.ts',
    from: 'changedHere && !changedThere',
    to: 'changedHere',
    caughtBy: { file: 'test/domain/profile.properties.test.ts', test: 'each meeting keeps it field by field' },
  },
  {
    name: "identity: an operator's change stays here in silence",
    file: 'src/api/operator/profile-sharing.ts',
    from: '{ user: { ...user, ...shared.value } } : { user, hereAlone: reasonOf(shared.error) }',
    to: '{ user: { ...user, ...shared.value } } : { user }',
    caughtBy: { file: MERGE, test: 'holds here, and the answer says so' },
  },
  {
    name: "identity: an operator's change goes nowhere else",
    file: 'src/api/operator/profile-sharing.ts',
    from: 'if (changes === null && !heldBack) return { user }',
    to: 'if (!heldBack || heldBack) return { user }',
    caughtBy: { file: MERGE, test: 'goes where the login mode says' },
  },
  {
    name: 'identity: what moved meanwhile is overwritten',
    file: 'src/store/profiles.ts',
    from: 'const asSeen = ',
    to: 'const asSeen = sql`true` ?? ',
    caughtBy: { file: MERGE, test: 'between their answer and our write' },
  },
  {
    name: 'identity: a renamed user keeps the versions of another profile',
    file: 'src/store/user-changes.ts',
    from: 'const renamed = sql`',
    to: 'const renamed = sql`false AND ',
    caughtBy: { file: MERGE, test: 'a renamed user has another profile there' },
  },
  {
    name: 'identity: as many calls as there are sign-ins',
    file: CALLS,
    from: 'if (this.underWay < maxCalls) {',
    to: 'if (this.underWay >= 0) {',
    caughtBy: { file: SERVER, test: 'are no more than the bound' },
  },
  {
    name: 'identity: who waits for the application server waits for ever',
    file: CALLS,
    from: '    }, CALL_LINE_TIMEOUT_MILLISECONDS)',
    to: '    }, 1_000 * CALL_LINE_TIMEOUT_MILLISECONDS)',
    caughtBy: { file: SERVER, test: 'who waits too long in the line' },
  },
  {
    name: 'identity: calls of the application server without a time limit',
    file: CALLS,
    from: 'AbortSignal.timeout(timeoutMilliseconds)',
    to: 'AbortSignal.timeout(1_000 * timeoutMilliseconds)',
    caughtBy: { file: SERVER, test: 'that are not answered in time give up' },
  },
  {
    name: 'identity: a line without end',
    file: CALLS,
    from: 'if (this.line.ahead(place).length >= maxCalls * CALL_LINE_PER_CALL) return false',
    to: '',
    caughtBy: { file: SERVER, test: 'not even in the line' },
  },
  {
    name: 'identity: everybody is a stranger in the line for the application server',
    file: CALLS,
    from: 'this.line.placeFor(asker, resolve)',
    to: 'this.line.placeFor(NOBODY, resolve)',
    caughtBy: { file: SERVER, test: 'are first for operators and who is known' },
  },
  {
    name: 'identity: who signs in is a stranger to the application server',
    file: 'src/identity/hearing.ts',
    from: "authenticate(found?.user.username ?? '', password, asker)",
    to: "authenticate(found?.user.username ?? '', password, { priority: 'stranger', who: '' })",
    caughtBy: { file: SERVER, test: 'leave out neither' },
  },
  {
    name: 'identity: passwords that nobody heard count',
    file: 'src/identity/hearing.ts',
    from: 'ok({ fits: authenticated.value, replace: false }) : authenticated',
    to: 'ok({ fits: authenticated.value, replace: false }) : ok({ fits: false, replace: false })',
    caughtBy: { file: SERVER, test: 'a password that was not heard' },
  },
  {
    name: 'identity: answers of any length',
    file: CALLS,
    from: 'await readBody(response)',
    to: 'await readBody(response, 2_000_000)',
    caughtBy: { file: SERVER, test: 'in so many words' },
  },
  {
    name: 'identity: control characters in profiles',
    file: CONTRACT,
    from: '!/[\\p{Cc}\\p{Cs}]/u.test(value)',
    to: 'true',
    caughtBy: { file: SERVER, test: 'a control character' },
  },
  {
    name: 'identity: versions that go back',
    file: OBJECT,
    from: 'if (theirs.version < (user.profileVersion ?? 0)) return this.abandon(WENT_BACK)',
    to: '',
    caughtBy: { file: SERVER, test: 'an older version than it answered before' },
  },
  {
    name: 'identity: versions that stand still',
    file: CONTRACT,
    from: 'profile === null || profile.version <= version',
    to: 'profile === null',
    caughtBy: { file: SERVER, test: 'does not grow with a change' },
  },
  {
    name: 'identity: versions that nothing can follow',
    file: CONTRACT,
    from: 'if (version >= Number.MAX_SAFE_INTEGER) return fail(LAST_VERSION)',
    to: '',
    caughtBy: { file: SERVER, test: 'a version that no other can follow' },
  },
  {
    name: 'identity: objects of before are made anew',
    file: 'src/identity/pending-change.ts',
    from: 'CREATE TABLE IF NOT EXISTS pending',
    to: 'CREATE TABLE pending',
    caughtBy: { file: STORED, test: 'of schema 0 is finished' },
  },
  {
    name: 'identity: what cannot be read is taken for done',
    file: OBJECT,
    from: 'if (request === null) return false',
    to: 'if (request === null) return true',
    caughtBy: { file: STORED, test: 'waits for one that can' },
  },
]

/** Breakages of who may do what, of the record of ends, and of credentials. */

const RULE = 'src/domain/authority.ts'
const OWNERS = 'test/api/credential-owners.test.ts'
const CHANGES = 'test/api/operator/credential-changes.test.ts'
const ENDS = 'test/api/recorded-ends.test.ts'

export const authorityMutants = [
  {
    name: 'authority: administrators end lockouts of those above',
    file: 'src/api/unlock.ts',
    from: 'if (!mayUnlock(lockout.value.user))',
    to: 'if (mayUnlock === undefined)',
    caughtBy: { file: 'test/api/operator/lockouts.test.ts', test: 'an administrator ends none of those above' },
  },
  {
    name: 'authority: an admin acts on those above',
    file: RULE,
    from: "end_sessions: { oneself: true, from: 'admin', to: 'equal_or_lower'",
    to: "end_sessions: { oneself: true, from: 'admin', to: 'everybody'",
    caughtBy: { file: 'test/domain/authority.test.ts', test: 'nothing is done across stores' },
  },
  {
    name: 'authority: settings of those above',
    file: 'src/store/session-settings.ts',
    from: ' OR NOT (',
    to: ' OR false AND NOT (',
    caughtBy: { file: 'test/api/slack/session-settings.test.ts', test: 'are not for an admin to change of an owner' },
  },
  {
    name: 'authority: Looker ends sessions of those above',
    file: 'src/api/looker/user-sessions.ts',
    from: "return mayDo(caller.user, 'end_sessions', owner)",
    to: "return mayDo(caller.user, 'see_sessions', owner)",
    caughtBy: { file: 'test/api/looker/user-sessions.test.ts', test: 'asks to end a session of' },
  },
  {
    name: 'authority: a session for a bot',
    file: 'src/sessions/service.ts',
    from: 'if (user.bot) {',
    to: 'if (user.bot && userId === null) {',
    caughtBy: { file: OWNERS, test: 'a bot gets no session from a back end' },
  },
  {
    name: 'audit: an end goes without its record',
    file: 'src/sessions/recorded-end.ts',
    from: 'return recorded.ok ? end() : recorded',
    to: 'return recorded.ok || true ? end() : recorded',
    caughtBy: { file: ENDS, test: 'is not done if it cannot be put on record' },
  },
  {
    name: 'audit: changes of one user have no limit',
    file: 'src/limits.ts',
    from: 'PROFILE_CHANGES_PER_MINUTE = 120',
    to: 'PROFILE_CHANGES_PER_MINUTE = 3_000',
    caughtBy: { file: 'test/api/apio/login-tokens.test.ts', test: 'at most 120 changes a minute' },
  },
  {
    name: "credentials: a disabled owner's act",
    file: 'src/auth/credentials.ts',
    from: "if (credential.standing === 'owner_disabled')",
    to: "if (credential.standing === 'gone')",
    caughtBy: { file: OWNERS, test: 'rests while the owner is disabled' },
  },
  {
    name: "credentials: a deleted owner's act for the next one",
    file: 'src/store/user-changes.ts',
    from: 'revocation(db, identityStoreId, userId, isThere, at)',
    to: 'revocation(db, identityStoreId, userId, sql`false`, at)',
    caughtBy: { file: OWNERS, test: "the owner's credentials are revoked" },
  },
  {
    name: 'credentials: those left unrevoked come back with the user',
    file: 'src/store/user-changes.ts',
    from: 'revocation(db, identityStoreId, userId, revives, at)',
    to: 'revocation(db, identityStoreId, userId, sql`false`, at)',
    caughtBy: { file: OWNERS, test: 'left unrevoked ends when the user comes back' },
  },
  {
    name: 'credentials: an old secret is good for ever',
    file: 'src/auth/credentials.ts',
    from: 'secret.valid_until > now',
    to: 'secret.valid_until > 0',
    caughtBy: { file: CHANGES, test: 'keeps the old token good for the time' },
  },
  {
    name: 'credentials: a second rotation forgets the secret in use',
    file: 'src/store/credential-changes.ts',
    from: 'json_group_array(json(value))',
    to: 'coalesce(max(NULL), json_array())',
    caughtBy: { file: CHANGES, test: 'said again, for a lost answer' },
  },
  {
    name: 'credentials: every use is written',
    file: 'src/auth/credentials.ts',
    from: 'lastUsedAt <= now - CREDENTIAL_USE_MILLISECONDS) waitUntil',
    to: 'lastUsedAt <= now) waitUntil',
    caughtBy: { file: CHANGES, test: 'shows its last use' },
  },
  {
    name: 'credentials: API clients of nobody',
    file: 'src/auth/scopes.ts',
    from: 'scopes.some((scope) => OF_A_USER.has(scope)) || ',
    to: '',
    caughtBy: { file: CHANGES, test: 'it would be of no use' },
  },
  {
    name: 'operators: a recovery secret makes several',
    file: 'src/store/credentials.ts',
    from: '      insertWhere(db, spentSecrets, { secretHash, spentAt: createdAt }, isWritten),',
    to: '      insertWhere(db, spentSecrets, { secretHash, spentAt: createdAt }, sql`false`),',
    caughtBy: { file: CHANGES, test: 'is recovered with the recovery secret, once' },
  },
  {
    name: 'operators: a second first one',
    file: 'src/store/credentials.ts',
    from: '? sql`NOT EXISTS (SELECT 1 FROM ',
    to: '? sql`true OR NOT EXISTS (SELECT 1 FROM ',
    caughtBy: { file: 'test/api/operator/credentials.test.ts', test: 'is never made again' },
  },
]

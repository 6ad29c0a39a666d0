/** Breakages of whom a profile, a subject, a login token and an application server's answer belong to. */

const TOKENS = 'test/api/apio/login-tokens.test.ts'
const OPENID = 'test/api/apio/openid.test.ts'
const PROVIDERS = 'src/store/openid-providers.ts'

export const identityMutants = [
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
]

/** Breakages of OpenID Connect Back-Channel Logout: which tokens are taken, and what ends by them. */

const LOGOUT = 'test/api/sessions/backchannel-logout.test.ts'
const CLAIMS = 'src/identity/logout-claims.ts'
const TOKENS = 'src/identity/logout-tokens.ts'
const KEYS = 'src/identity/provider-keys.ts'
const LOGIN = 'src/domain/openid-login.ts'
const JOB = 'src/sessions/jobs/idp-logout.ts'

/** A check of a claim is left out. */
const unchecked = (what, from, test, to = '') => ({
  name: `logout: ${what}`,
  file: CLAIMS,
  from,
  to,
  caughtBy: { file: LOGOUT, test },
})

export const logoutMutants = [
  unchecked('a token of another kind is taken', 'if (!TYPES.has(', 'of the type "at+jwt"', 'if (false && !TYPES.has('),
  unchecked('a token for somebody else is taken', 'if (aud !== clientId && ', 'for another audience', 'if (false && '),
  unchecked('a token of the future is taken', 'if (issuedAt > now', 'of the future', 'if (false && issuedAt > now'),
  unchecked('an old token is taken', 'if (now >= goodUntil)', 'that has expired', 'if (false)'),
  unchecked(
    'a token without an expiry is good for long',
    'issuedAt + LOGOUT_TOKEN_MILLISECONDS',
    'too old, and without',
    'Infinity',
  ),
  unchecked(
    'a token says how long it is good',
    'Math.min(expiresAt, ',
    'too old, whatever it says',
    'Math.max(expiresAt, ',
  ),
  unchecked('a token needs no id', 'if (!isText(jti))', 'with an empty id', 'if (false)'),
  unchecked('a token needs no event', 'if (!isObject(events) || ', 'with another event', 'if (false && '),
  unchecked('an ID token with a nonce is taken', "if ('nonce' in claims)", 'with a nonce that is null', 'if (false)'),
  unchecked(
    'a token that names nobody is taken',
    'if (sub === undefined && sid === undefined)',
    'of neither a subject',
    'if (false)',
  ),
  unchecked(
    'half a character is taken',
    'findIllFormedText([jti, sub, sid]) !== null',
    'with half a character',
    'false',
  ),
  {
    name: 'logout: the session of another subject ends',
    file: TOKENS,
    from: 'if (another.value)',
    to: 'if (false)',
    caughtBy: { file: LOGOUT, test: 'with the session of another subject' },
  },
  {
    name: 'logout: for tokens of any issuer keys are asked for',
    file: TOKENS,
    from: "decodeJwt(token).iss === issuer && ALGORITHMS.has(decodeProtectedHeader(token).alg ?? '')",
    to: 'decodeJwt(token).iss !== undefined',
    caughtBy: { file: LOGOUT, test: 'no keys are asked for' },
  },
  {
    name: 'logout: a new key is not looked for',
    file: TOKENS,
    from: 'errors.JWKSNoMatchingKey && !isSame',
    to: 'errors.JWKSNoMatchingKey && false',
    caughtBy: { file: LOGOUT, test: 'are kept, and asked for again' },
  },
  {
    name: 'logout: each unknown key is looked for',
    file: KEYS,
    from: 'set === without ? KEYS_COOL_DOWN_MILLISECONDS',
    to: 'set === without ? 0',
    caughtBy: { file: LOGOUT, test: 'are kept, and asked for again' },
  },
  {
    name: 'logout: keys that cannot be read are asked for each time',
    file: KEYS,
    from: 'if (now - known.failedAt < RETRY_AFTER_SECONDS * 1000)',
    to: 'if (false)',
    caughtBy: { file: LOGOUT, test: 'are an error' },
  },
  {
    name: 'logout: who comes meanwhile asks for the keys too',
    file: KEYS,
    from: 'known.asking !== null && looks < MAX_LOOKS',
    to: 'false',
    caughtBy: { file: LOGOUT, test: 'are asked for once' },
  },
  {
    name: 'logout: keys of any size are read',
    file: KEYS,
    from: 'readBody(response, MAX_KEYS_BYTES)',
    to: 'readBody(response, 1e9)',
    caughtBy: { file: LOGOUT, test: 'are too many' },
  },
  {
    name: 'logout: a token is taken again',
    file: 'src/sessions/jobs/seen-tokens.ts',
    from: 'return noted.toArray().length > 0',
    to: 'return noted.toArray().length >= 0',
    caughtBy: { file: LOGOUT, test: 'that came before' },
  },
  {
    name: 'logout: tokens are remembered for ever',
    file: 'src/sessions/jobs/seen-tokens.ts',
    from: 'now - CLOCKS_DIFFER_MILLISECONDS',
    to: '0',
    caughtBy: { file: LOGOUT, test: 'is remembered for as long' },
  },
  {
    name: 'logout: what was not accepted is answered 200',
    file: 'src/api/sessions/backchannel-logout.ts',
    from: 'if (!accepted.ok) return accepted',
    to: 'if (!accepted.ok) return ok(empty(200))',
    caughtBy: { file: LOGOUT, test: 'the object of the store out of reach' },
  },
  {
    name: 'logout: the gate is not asked',
    file: 'src/api/sessions/backchannel-logout.ts',
    from: 'if (!passed.ok) return passed',
    to: '',
    caughtBy: { file: LOGOUT, test: 'too many is stopped' },
  },
  {
    name: 'logout: by sid all sessions of the subject end',
    file: LOGIN,
    from: 'return login.sid === logout.sid',
    to: 'return true',
    caughtBy: { file: LOGOUT, test: 'with sid ends' },
  },
  {
    name: 'logout: sessions by password end too',
    file: LOGIN,
    from: "if (credentialsType !== 'openid') return false",
    to: '',
    caughtBy: { file: LOGOUT, test: 'with sub alone ends all' },
  },
  {
    name: 'logout: what is opened later ends too',
    file: LOGIN,
    from: '(openedAt <= logout.acceptedAt || login.issuedAt <= logout.issuedAt)',
    to: 'true',
    caughtBy: { file: LOGOUT, test: 'does not end what is opened later' },
  },
  {
    name: 'logout: an older session is nobody’s',
    file: LOGIN,
    from: 'if (login === null) return ofSubject && openedAt <= logout.acceptedAt',
    to: 'if (login === null) return false',
    caughtBy: { file: LOGOUT, test: 'ends sessions of before the provider was noted' },
  },
  {
    name: 'logout: there is no second look',
    file: JOB,
    from: 'if (job.looked)',
    to: 'if (true)',
    caughtBy: { file: LOGOUT, test: 'that D1 did not know of' },
  },
  {
    name: 'logout: what is not on record ends',
    file: JOB,
    from: 'if (!recorded.ok) return false',
    to: '',
    caughtBy: { file: LOGOUT, test: 'the audit log out of reach' },
  },
  {
    name: 'logout: a user who cannot be reached is given up',
    file: JOB,
    from: 'if (ended.includes(false))',
    to: 'if (false)',
    caughtBy: { file: LOGOUT, test: 'the object of the user out of reach' },
  },
  {
    name: 'logout: the provider’s names of a deleted user stay',
    file: 'src/store/erasure.ts',
    from: '        openidSid: null,\n',
    to: '',
    caughtBy: { file: LOGOUT, test: 'leaves no trace of the provider' },
  },
]

/** Breakages of how the session cookie comes, goes and travels. */
const COOKIES = 'test/api/sessions/cookies.test.ts'
const CARRIERS = 'test/auth/session-carriers.test.ts'
const WARNINGS = 'test/auth/cookie-warnings.test.ts'
const CARRIED = 'src/api/carried-sessions.ts'

export const cookieMutants = [
  {
    name: 'cookies: a sign-out clears the cookie of a session that had ended before',
    file: CARRIED,
    from: 'ended.ok && ended.value.length > 0 && name !== null',
    to: 'name !== null',
    caughtBy: { file: COOKIES, test: 'leaves alone what a sign-in has put there meanwhile' },
  },
  {
    name: 'cookies: a slow APIO answer brings an ended session back',
    file: 'src/api/apio/caller.ts',
    from: 'return check.ok ? slidingCookie(request, { ...context, session: check.value.checked }) : []',
    to: 'return slidingCookie(request, context)',
    caughtBy: { file: COOKIES, test: 'to a slow write does not bring back the session' },
  },
  {
    name: 'cookies: a sign-out ends one of the sessions that came with it',
    file: CARRIED,
    from: 'carried.value.map((session) => services.sessions.endOwn(',
    to: 'carried.value.slice(0, 1).map((session) => services.sessions.endOwn(',
    caughtBy: { file: COOKIES, test: 'ends every session that came with it' },
  },
  {
    name: 'cookies: a sign-out passes over a token of another kind',
    file: CARRIED,
    from: '    if (!verified.ok) return verified\n  }\n  return ok(carried)',
    to: "    void verified\n  }\n  return ok(carried.filter(({ token }) => token.kind === 'web'))",
    caughtBy: { file: COOKIES, test: 'is not 2xx where it cannot end what it was sent' },
  },
  {
    name: 'cookies: a bearer lets a foreign page sign the cookie out',
    file: CARRIED,
    from: '!saysBearer(request) || carried.some(({ cookieName }) => cookieName !== null)',
    to: '!saysBearer(request)',
    caughtBy: { file: COOKIES, test: 'with a bearer and a cookie from a foreign page ends nothing' },
  },
  {
    name: 'revocation: a token of another store is told to be revoked',
    file: 'src/api/sessions/oauth.ts',
    from: "    return fail({ code: 'forbidden', needed: [], provided: [] })\n",
    to: '    return ok(empty(200))\n',
    caughtBy: { file: 'test/api/sessions/oauth.test.ts', test: 'of a token that lives on is refused' },
  },
  {
    name: 'cookies: foreign values of our name count',
    file: 'src/auth/session-carriers.ts',
    from: 'if (token === null || found.some(',
    to: 'if (token === null) return null\n    if (found.some(',
    caughtBy: { file: COOKIES, test: 'do not keep anybody from having a session' },
  },
  {
    name: 'cookies: any number of signatures is looked at',
    file: 'src/auth/session-carriers.ts',
    from: 'if (likely.length > MAX_VERIFIED_COOKIES) return null',
    to: '',
    caughtBy: { file: CARRIERS, test: 'of those that look like ours among eight' },
  },
  {
    name: 'cookies: HTTP Basic hides the cookie',
    file: 'src/auth/session-carriers.ts',
    from: 'return /^Bearer\\b/i.test(',
    to: 'return /./.test(',
    caughtBy: { file: COOKIES, test: 'the cookie counts' },
  },
  {
    name: "cookies: a dead host cookie hides the other API's session",
    file: 'src/api/session-holder.ts',
    from: "if (done.error.code !== 'session_ended' && done.error.code !== 'unauthenticated') return done",
    to: 'return done',
    caughtBy: { file: COOKIES, test: 'does not hide the session that APIO has opened since' },
  },
  {
    name: 'cookies: the life of a cookie does not follow its session',
    file: 'src/sessions/object/issued-cookies.ts',
    from: 'return cookieOf(view, cookieIssuedAt).expiresAt !== cookieExpiresAt',
    to: 'return false',
    caughtBy: { file: COOKIES, test: 'the cookie lives as long as its session' },
  },
  {
    name: 'cookies: whoever is answered from memory gets the cookie too',
    file: 'src/sessions/service.ts',
    from: 'answer.value.cookieDue ? { ...answer.value, cookieDue: false } : answer.value',
    to: 'answer.value',
    caughtBy: { file: COOKIES, test: 'not to whoever is answered from memory' },
  },
  {
    name: 'cookies: a cookie for other sites without Secure',
    file: 'src/http/cookies.ts',
    from: 'secure: travel.secure || everywhere,',
    to: 'secure: travel.secure,',
    caughtBy: { file: CARRIERS, test: 'is Secure on plain http too' },
  },
  {
    name: 'cookies: the one from before the setting was changed stays',
    file: 'src/auth/session-carriers.ts',
    from: 'if (before < (partitioned ? 1 : 2)) return [cookie]',
    to: 'return [cookie]',
    caughtBy: { file: CARRIERS, test: 'a sign-in forgets the cookie of its name that travelled before' },
  },
  {
    name: 'origins: one bad entry is let in',
    file: 'src/settings.ts',
    from: 'allowedOrigins: v.ALLOWED_ORIGINS.filter(isOrigin),',
    to: 'allowedOrigins: v.ALLOWED_ORIGINS,',
    caughtBy: { file: WARNINGS, test: 'what is none is ignored, and the others work' },
  },
  {
    name: 'origins: nobody is warned of dropped cookies',
    file: 'src/auth/cookie-warnings.ts',
    from: 'allowedOrigins.filter((one) => !ours.has(siteOf(one)))',
    to: 'allowedOrigins.filter(() => false)',
    caughtBy: { file: WARNINGS, test: 'of a cookie that browsers will drop' },
  },
  {
    name: 'bodies: one that nobody reads is left there',
    file: 'src/app.ts',
    from: 'if (request.body !== null && !request.bodyUsed) void request.body.cancel().catch(() => undefined)',
    to: '',
    caughtBy: { file: 'test/e2e/dev.test.ts', test: 'with a body that does not come is answered' },
  },
]

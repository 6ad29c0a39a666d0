/** Breakages of the users' own pages: signing in, and their devices. */

const DEVICES = 'test/api/devices/devices.test.ts'
const SIGN_IN = 'test/api/devices/sign-in.test.ts'
const HANDLERS = 'src/api/devices/devices.ts'
const SIGN_IN_SOURCE = 'src/api/devices/sign-in.ts'
const HISTORY = 'src/store/user-history.ts'

export const pageMutants = [
  {
    name: 'pages: whatever is said is not escaped',
    file: 'src/api/devices/html.ts',
    from: "return String(value).replace(/[&<>\"']/g, (character) => ESCAPES[character] ?? '')",
    to: 'return String(value)',
    caughtBy: { file: DEVICES, test: 'escapes what clients, places and people are called' },
  },
  {
    name: 'pages: leads on to any address',
    file: 'src/api/devices/return-target.ts',
    from: 'return isAllowedOrigin(url.origin, origins) ? url : null',
    to: 'return url',
    caughtBy: { file: SIGN_IN, test: 'is not' },
  },
  {
    name: 'pages: leads on to the path alone, which may be another host',
    file: SIGN_IN_SOURCE,
    from: "seeOther(view.target?.href ?? '/devices')",
    to: "seeOther(view.target?.pathname ?? '/devices')",
    caughtBy: { file: SIGN_IN, test: 'is gone on to' },
  },
  {
    name: 'pages: the policy stops the form that leads to an allowed origin',
    file: 'src/api/devices/page.ts',
    from: 'formLeadsTo === null ? "\'self\'"',
    to: "formLeadsTo !== '' ? \"'self'\"",
    caughtBy: { file: SIGN_IN, test: 'is gone on to' },
  },
  {
    name: 'pages: a sign-in from a foreign page',
    file: SIGN_IN_SOURCE,
    from: "if (!originAllowed(request, context.services.settings)) return fail({ code: 'origin_not_allowed' })",
    to: '',
    caughtBy: { file: SIGN_IN, test: 'from a foreign page' },
  },
  {
    name: 'pages: browsers send their forms without an origin',
    file: 'src/api/devices/page.ts',
    from: "'referrer-policy': 'same-origin'",
    to: "'referrer-policy': 'no-referrer'",
    caughtBy: { file: DEVICES, test: 'may be framed by nobody' },
  },
  {
    name: 'pages: any sign-in is fresh',
    file: HANDLERS,
    from: 'return now - session.openedAt <= services.settings.freshSignInSeconds * 1000',
    to: 'return now >= session.openedAt || services.settings.freshSignInSeconds > 0',
    caughtBy: { file: DEVICES, test: 'is one of before the configured age, to the second' },
  },
  {
    name: "pages: somebody else's password will do",
    file: HANDLERS,
    from: 'if (!isOf(checked, user.value)) return',
    to: 'if (!isOf(checked, user.value) && user.ok === undefined) return',
    caughtBy: { file: DEVICES, test: 'is not made good by a wrong password, nor by somebody else’s' },
  },
  {
    name: 'pages: this session is one of the others',
    file: HANDLERS,
    from: ' || sessionId === caller.token.sessionId)',
    to: ')',
    caughtBy: { file: DEVICES, test: 'ends none: alike' },
  },
  {
    name: 'pages: what a user disowns is not on record',
    file: HANDLERS,
    from: "if (act === 'not_me') {",
    to: 'if (act === undefined) {',
    caughtBy: { file: DEVICES, test: 'ends all others and says what to do' },
  },
  {
    name: "pages: a user's history is everybody's of the store",
    file: HISTORY,
    from: 'eq(sessions.userId, owner.userId),',
    to: 'undefined,',
    caughtBy: { file: DEVICES, test: 'is shown for 28 days' },
  },
  {
    name: 'pages: what ended is shown for ever',
    file: HISTORY,
    from: ', gte(page.endedAt, since)))',
    to: ', gte(page.endedAt, since * 0)))',
    caughtBy: { file: DEVICES, test: 'is shown for 28 days' },
  },
  {
    name: 'pages: old records hide older ones',
    file: HISTORY,
    from: 'nextBefore: (lastShown ?? lastLookedAt)?.sessionId ?? null',
    to: 'nextBefore: lastShown?.sessionId ?? null',
    caughtBy: { file: DEVICES, test: 'the next page goes on where this one stopped' },
  },
]

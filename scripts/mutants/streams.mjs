/** Breakages of streams: who listens to a session, and what it is told. */

const EVENTS = 'test/api/sessions/events.test.ts'
const ENDED = 'test/client/ended.test.ts'
const MIDDLEWARE = 'test/client/plain/middleware.test.ts'
const OBJECT = 'src/sessions/object/user-sessions.ts'
const STREAMS = 'src/sessions/object/streams.ts'
const BROWSER = 'test/e2e/session-events.test.ts'
const FOLLOW = 'packages/client/src/ended.ts'

export const streamMutants = [
  {
    name: 'streams: an end is not told',
    file: OBJECT,
    from: 'this.streams.ended(event.id, event)',
    to: '',
    caughtBy: { file: EVENTS, test: 'is told so at once' },
  },
  {
    name: 'streams: the end of one session is told to all',
    file: STREAMS,
    from: 'return this.ctx.getWebSockets(sessionId).filter',
    to: 'return this.ctx.getWebSockets(sessionId && undefined).filter',
    caughtBy: { file: EVENTS, test: 'is to be told of one session, and of no other' },
  },
  {
    name: 'streams: the alarm does not come before a deadline',
    file: 'src/sessions/object/mirror.ts',
    from: '      this.deps.nextTellingAt(),',
    to: '',
    caughtBy: { file: EVENTS, test: 'is told a minute before, once' },
  },
  {
    name: 'streams: a deadline is told again and again',
    file: STREAMS,
    from: 'attach(stream, { ...attachedTo(stream), toldOf: endedAt })',
    to: '',
    caughtBy: { file: EVENTS, test: 'is told a minute before, once' },
  },
  {
    name: 'streams: of a short timeout it is told a minute before',
    file: 'src/domain/deadlines.ts',
    from: 'Math.min(WARNING_MILLISECONDS, (value ?? 0) * 500)',
    to: 'Math.min(WARNING_MILLISECONDS, (value ?? 0) * 1000)',
    caughtBy: { file: EVENTS, test: 'is told at half of a timeout' },
  },
  {
    name: 'streams: who comes late is not told of the deadline',
    file: OBJECT,
    from: 'this.streams.tellDeadlines(now)',
    to: '',
    caughtBy: { file: EVENTS, test: 'is told at once to who comes when it is near' },
  },
  {
    name: 'streams: a deadline passes in silence while D1 is away',
    file: OBJECT,
    from: 'this.streams.askAnew(now)',
    to: '',
    caughtBy: { file: EVENTS, test: 'that has passed while D1 is away' },
  },
  {
    name: 'streams: to listen is activity',
    file: OBJECT,
    from: 'this.check(proof, { touch: false, cookie: false, client: null }, updates)',
    to: 'this.check(proof, { touch: true, cookie: false, client: null }, updates)',
    caughtBy: { file: EVENTS, test: 'is no activity' },
  },
  {
    name: 'streams: a session has any number of them',
    file: STREAMS,
    from: 'others.length >= MAX_STREAMS_OF_SESSION',
    to: 'others.length >= 10_000',
    caughtBy: { file: EVENTS, test: 'is bounded for each session' },
  },
  {
    name: 'streams: who is silent keeps others out',
    file: STREAMS,
    from: 'now - this.heardAt(longestSilent) < SILENT_STREAM_MILLISECONDS',
    to: 'now > 0',
    caughtBy: { file: EVENTS, test: 'is bounded for each session' },
  },
  {
    name: 'streams: a ping wakes the object, which refuses it',
    file: STREAMS,
    from: "this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))",
    to: '',
    caughtBy: { file: EVENTS, test: 'takes pings without waking the object' },
  },
  {
    name: 'streams: whoever sends anything may go on',
    file: STREAMS,
    from: "stream.close(REFUSED, 'nothing but ping is taken')",
    to: 'void stream',
    caughtBy: { file: EVENTS, test: 'takes pings without waking the object' },
  },
  {
    name: 'streams: a foreign page may listen',
    file: 'src/api/sessions/events.ts',
    from: '!saysBearer(request) && !originAllowed(request, services.settings)',
    to: '!saysBearer(request) && services.settings === null',
    caughtBy: { file: EVENTS, test: 'with a cookie is refused to all but our own pages' },
  },
  {
    name: 'streams: who reads no more is listened for',
    file: 'src/http/event-stream.ts',
    from: 'cancel: leave,',
    to: '',
    caughtBy: { file: EVENTS, test: 'who stops listening by events is gone' },
  },
  {
    name: 'streams: who has vanished is pinged for',
    file: 'src/http/event-stream.ts',
    from: 'if ((controller.desiredSize ?? 0) < 0) return',
    to: '',
    caughtBy: { file: 'test/http/event-stream.test.ts', test: 'who has vanished without a word is not' },
  },
  {
    name: 'streams: each tab holds one',
    file: 'packages/client/src/browser.ts',
    from: 'if (navigator.locks === undefined) hold()',
    to: "if (name !== '') hold()",
    caughtBy: { file: BROWSER, test: 'by the stream that one of them holds' },
  },
  {
    name: 'streams: whoever is told in a tab keeps it for itself',
    file: 'packages/client/src/browser.ts',
    from: `const told = (reason: string) => {
      tell({ type: 'ended', reason })`,
    to: 'const told = (reason: string) => {',
    caughtBy: { file: BROWSER, test: 'by the stream that one of them holds' },
  },
  {
    name: 'streams: the next tab is called before it hears that all is over',
    file: 'packages/client/src/browser.ts',
    from: `      // Else the next one might be called before it hears that all is over.
      await new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS))
`,
    to: '',
    caughtBy: { file: BROWSER, test: 'by the stream that one of them holds' },
  },
  {
    name: 'streams: a bound Worker listens to other stores',
    file: 'src/entrypoint.ts',
    from: 'await this.sessions.verifyOfStore(parsed.value.token',
    to: "await this.sessions.verify(parsed.value.token, 'web') ?? await this.sessions.verifyOfStore(parsed.value.token",
    caughtBy: { file: EVENTS, test: 'a bound Worker is told, of its own store' },
  },
  {
    name: 'streams: the client listens to other stores',
    file: FOLLOW,
    from: 'let isKnown = credential === undefined',
    to: 'let isKnown = credential !== null',
    caughtBy: { file: ENDED, test: 'a token of nobody is unauthenticated' },
  },
  {
    name: 'streams: the client never gives up',
    file: FOLLOW,
    from: "if (left <= 0) end('unavailable')",
    to: '',
    caughtBy: { file: ENDED, test: 'what cannot be asked for too long' },
  },
  {
    name: 'streams: the client connects once',
    file: FOLLOW,
    from: 'for (let failures = 0; !stopped.aborted; ) {',
    to: 'for (let failures = 0; !stopped.aborted && failures === 0; ) {',
    caughtBy: { file: ENDED, test: 'a lost connection is made anew' },
  },
  {
    name: 'streams: who gave up is told all the same',
    file: FOLLOW,
    from: 'stop === undefined ? over.signal : AbortSignal.any([over.signal, stop])',
    to: 'over.signal',
    caughtBy: { file: ENDED, test: 'who gives up is told nothing more' },
  },
  {
    name: 'streams: an answer outlives its session',
    file: 'packages/client/src/cut.ts',
    from: "    start(controller) {\n      ended.addEventListener('abort', () => {",
    to: "    start(controller) {\n      ended.addEventListener('never', () => {",
    caughtBy: { file: MIDDLEWARE, test: 'a stream is cut off when its session ends' },
  },
  {
    name: 'streams: an answer that nobody reads is followed',
    file: 'packages/client/src/cut.ts',
    from: '    cancel(reason) {\n      done.abort()',
    to: '    cancel(reason) {',
    caughtBy: { file: MIDDLEWARE, test: 'a stream is cut off when its session ends' },
  },
  {
    name: 'streams: a WebSocket outlives its session',
    file: 'packages/client/src/cut.ts',
    from: 'for (const socket of [inner, outer]) socket.close(',
    to: 'for (const socket of [] as Socket[]) socket.close(',
    caughtBy: { file: 'test/client/sockets.test.ts', test: 'a WebSocket is cut off when its session ends' },
  },
]

/** Watches a page's session: warns before it ends, counts down, and tells when it is over. */
import { fromWire, type Session } from './session.ts'

export interface WatchOptions {
  /**
   * What tells of the session: `GET` answers its JSON, or 401. `?touch=false` asks without being the user's activity.
   * Default: `/sessions/current`, Latchkey's own.
   */
  readonly url?: string
  /**
   * Where it is told that the session ends, at that moment: a WebSocket, which one of the tabs holds for all. Default:
   * `/events` under a `url` of Latchkey's own; null: nowhere, and the tabs only ask.
   */
  readonly events?: string | null
  /** How long before the end the warnings begin, in seconds. Default: 60. */
  readonly warnSeconds?: number
  /** How often it is asked whether the session still is there, in seconds. Default: 60. */
  readonly askSeconds?: number
  /** The session will end; called each second, in every tab, until it has ended or lives longer. */
  readonly onWarning?: (secondsLeft: number) => void
  /** The session lives longer, after a warning. */
  readonly onSafe?: () => void
  /** The session is over: why, if that is known. Nothing more is called. */
  readonly onEnd?: (reason: string | null) => void
}

export interface Watch {
  /** The user is here: prolongs the session, if it can be, for all tabs. */
  readonly stay: () => Promise<void>
  /** The user has signed out here: tells the other tabs. */
  readonly ended: () => void
  /** Watches no more. */
  readonly stop: () => void
}

/** What the tabs tell each other. `endsAt` is of the machine's clock. */
type Message =
  | { readonly type: 'lives'; readonly endsAt: number }
  | { readonly type: 'ended'; readonly reason: string | null }

const TICK_MILLISECONDS = 1_000
/** How often it is looked whether the connection is there; also the time in which there must be one. */
const BEAT_MILLISECONDS = 20_000
const MAX_PAUSE_MILLISECONDS = 60_000
/** Longest that a timer of a browser waits. */
const MAX_TIMER_MILLISECONDS = 2 ** 31 - 1

/** Begins to watch. What cannot be asked is asked again later; the deadline that is known holds until then. */
export function watchSession(options: WatchOptions = {}): Watch {
  const {
    url = '/sessions/current',
    events = eventsOf(url),
    warnSeconds = 60,
    askSeconds = 60,
    onWarning,
    onSafe,
    onEnd,
  } = options
  const name = `latchkey:${url}`
  const tabs = new BroadcastChannel(name)
  const stopped = new AbortController()
  let endsAt: number | null = null
  let askedAt = 0
  let warned = false
  let over = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const stop = () => {
    over = true
    clearTimeout(timer)
    stopped.abort()
    document.removeEventListener('visibilitychange', look)
    tabs.close()
  }
  const end = (reason: string | null) => {
    if (over) return
    stop()
    onEnd?.(reason)
  }
  const lives = (until: number) => {
    endsAt = until
    if (warned && until - Date.now() > warnSeconds * 1000) {
      warned = false
      onSafe?.()
    }
  }
  const ask = async (touch: boolean) => {
    askedAt = Date.now()
    const answer = await fetch(touch ? url : `${url}${url.includes('?') ? '&' : '?'}touch=false`, {
      credentials: 'include',
      headers: { accept: 'application/json' },
      cache: 'no-store',
    }).catch(() => null)
    if (over || answer === null) return
    if (answer.status === 401) {
      const { reason = null } = await answer.json().catch(() => ({}))
      tell({ type: 'ended', reason })
      return end(reason)
    }
    if (!answer.ok) return
    const { expiresAt, idlesOutAt } = fromWire(await answer.json()) as Session
    const left = Math.min(...[expiresAt, idlesOutAt ?? expiresAt].map(Date.parse)) - serviceNow(answer)
    lives(Date.now() + left)
    if (endsAt !== null) tell({ type: 'lives', endsAt })
  }
  const tell = (message: Message) => {
    if (!over) tabs.postMessage(message)
  }
  const look = async () => {
    clearTimeout(timer)
    const left = () => (endsAt === null ? Number.POSITIVE_INFINITY : endsAt - Date.now())
    // Another tab may have kept the session alive unseen: who is at the end asks before saying so.
    const due = Date.now() - askedAt >= askSeconds * 1000 || left() <= 0
    const news = !warned && left() <= warnSeconds * 1000
    if (due || news) await ask(false)
    if (over) return
    if (left() <= warnSeconds * 1000) {
      warned = true
      onWarning?.(Math.max(0, Math.ceil(left() / 1000)))
    }
    const pause = warned ? TICK_MILLISECONDS : Math.min(askSeconds * 1000, left() - warnSeconds * 1000)
    clearTimeout(timer)
    timer = setTimeout(look, Math.min(Math.max(pause, TICK_MILLISECONDS), MAX_TIMER_MILLISECONDS))
  }

  tabs.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.type === 'ended') return end(data.reason)
    lives(data.endsAt)
    look()
  }
  // A sleeping machine stops timers.
  document.addEventListener('visibilitychange', look)
  look()
  if (events !== null) {
    const told = (reason: string) => {
      tell({ type: 'ended', reason })
      end(reason)
    }
    // Who has the lock holds the stream: when its tab is closed, the next one does. Without locks each tab does.
    const hold = async () => {
      await listen(events, stopped.signal, told, () => ask(false))
      // Else the next one might be called before it hears that all is over.
      await new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS))
    }
    if (navigator.locks === undefined) hold()
    else navigator.locks.request(name, { signal: stopped.signal }, hold).catch(() => undefined)
  }
  return {
    async stay() {
      await ask(true)
      if (!over) await look()
    },
    ended() {
      tell({ type: 'ended', reason: 'logout' })
      end('logout')
    },
    stop,
  }
}

/** Where Latchkey itself tells of a session; null for what is not its own. */
function eventsOf(url: string): string | null {
  return /(^|\/)sessions\/current$/.test(url) ? `${url}/events` : null
}

/** Listens until the session is over, or nobody wants to know any more. Who gets no connection looks whether it still lives. */
async function listen(
  events: string,
  stopped: AbortSignal,
  over: (reason: string) => void,
  look: () => Promise<void>,
): Promise<void> {
  for (let failures = 0; !stopped.aborted; ) {
    const startedAt = Date.now()
    await connection(events, stopped, over)
    if (stopped.aborted) return
    failures = Date.now() - startedAt > BEAT_MILLISECONDS ? 0 : failures + 1
    await look()
    const pause = Math.min(TICK_MILLISECONDS * 2 ** failures, MAX_PAUSE_MILLISECONDS) * (0.5 + Math.random() / 2)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** One connection; resolves when it is lost. */
function connection(events: string, stopped: AbortSignal, over: (reason: string) => void): Promise<void> {
  const url = new URL(events, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  return new Promise((resolve) => {
    const socket = new WebSocket(url)
    let answered = true
    const leave = () => {
      clearInterval(beat)
      stopped.removeEventListener('abort', leave)
      socket.close()
      resolve()
    }
    const beat = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN || !answered) return leave()
      answered = false
      socket.send('ping')
    }, BEAT_MILLISECONDS)
    socket.onmessage = ({ data }) => {
      answered = true
      const { type, reason } = data === 'pong' ? { type: data, reason: '' } : JSON.parse(data)
      if (type === 'ended') over(reason)
    }
    socket.onclose = leave
    stopped.addEventListener('abort', leave)
    if (stopped.aborted) leave()
  })
}

/** The service's clock, by the answer's date; the machine's own where pages may not read that. */
function serviceNow(answer: Response): number {
  return Date.parse(answer.headers.get('date') ?? '') || Date.now()
}

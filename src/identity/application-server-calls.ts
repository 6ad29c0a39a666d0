/**
 * `ApplicationServerCalls`: the one Durable Object through which all calls of the application server go, so that no
 * more are under way than it bears, however many places ask. A call that finds no room waits in a short queue, in which
 * strangers stand behind known clients.
 */

import { DurableObject } from 'cloudflare:workers'
import { fail, ok, type Result } from '../domain/result.ts'
import { readBody, utf8 } from '../http/body.ts'
import { CALL_LINE_PER_CALL, CALL_LINE_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { logContext } from '../log.ts'
import { settingsOfObject } from '../object-settings.ts'
import { logUnavailable } from '../time-limit.ts'
import { type Asker, FairQueue } from './fair-queue.ts'

/** Host of requests over a service binding, where no name is looked up. */
const BINDING_BASE = 'http://application-server'

/** A call, but for how the server is reached. */
export interface Call {
  readonly method: string
  /** Without the leading slash. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** JSON; null for none. */
  readonly body: string | null
  /** For whom. Earlier versions do not say it. */
  readonly asker?: Asker
}

/** What it answered. */
export interface Reply {
  readonly status: number
  /** Null if it was not text, or longer than any answer of the contract. */
  readonly text: string | null
}

/** Why there is no answer. `not_sent`: it was not called. `unreachable`, `timed_out`: it may have been. */
export type CallFault = { readonly code: 'not_sent' | 'unreachable' | 'timed_out' }

const NOBODY: Asker = { priority: 'stranger', who: '' }

interface Bindings {
  readonly APPLICATION_SERVER?: Fetcher
}

export class ApplicationServerCalls extends DurableObject<Bindings> {
  private readonly settings
  private underWay = 0
  /** Each keeps what is called with whether there is room. */
  private readonly line = new FairQueue<(room: boolean) => void>()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = settingsOfObject(ctx, env)
    this.settings = settings.applicationServer
  }

  /** Calls the application server as soon as there is room. Its answer comes whole, or not at all. */
  async send(call: Call): Promise<Result<Reply, CallFault>> {
    if (!(await this.enter(call.asker ?? NOBODY))) return fail({ code: 'not_sent' })
    try {
      return await logContext.run({ object: this.ctx.id.toString() }, () => this.exchange(call))
    } finally {
      this.leave()
    }
  }

  private async enter(asker: Asker): Promise<boolean> {
    const { maxCalls } = this.settings
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const place = this.line.placeFor(asker, resolve)
    if (this.underWay < maxCalls) {
      this.underWay += 1
      this.line.begin(place)
      return true
    }
    if (this.line.ahead(place).length >= maxCalls * CALL_LINE_PER_CALL) return false
    this.line.join(place)
    const timer = setTimeout(() => {
      this.line.leave(place)
      resolve(false)
    }, CALL_LINE_TIMEOUT_MILLISECONDS)
    const hasRoom = await promise
    clearTimeout(timer)
    return hasRoom
  }

  private leave(): void {
    const next = this.line.first()
    if (next === undefined) {
      this.underWay -= 1
    } else {
      this.line.begin(next)
      next.kept(true)
    }
  }

  private async exchange({ method, path, headers, body }: Call): Promise<Result<Reply, CallFault>> {
    const { APPLICATION_SERVER: binding }: Bindings = this.env
    const { url, secret, timeoutMilliseconds } = this.settings
    const target = `${(binding === undefined ? (url ?? '') : BINDING_BASE).replace(/\/$/, '')}/${path}`
    // Reading the answer's body is within the limit too.
    const signal = AbortSignal.timeout(timeoutMilliseconds)
    const init: RequestInit = {
      method,
      redirect: 'manual',
      signal,
      headers: { ...headers, authorization: `Bearer ${secret}` },
      ...(body === null ? {} : { body }),
    }
    try {
      return ok(await read(await (binding === undefined ? fetch(target, init) : binding.fetch(target, init))))
    } catch (error) {
      if (signal.aborted) return fail({ code: 'timed_out' })
      logUnavailable('application server', String(error))
      return fail({ code: 'unreachable' })
    }
  }
}

async function read(response: Response): Promise<Reply> {
  const body = await readBody(response)
  if (!body.ok && body.error.code === 'request_timeout') throw new Error('the answer broke off')
  return { status: response.status, text: body.ok ? utf8(body.value) : null }
}

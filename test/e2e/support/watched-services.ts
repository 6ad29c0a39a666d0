/**
 * Looks for secrets in what served services print, and in what they answer to anybody in this process or its browser. It
 * knows the secrets of their deployments, and learns what is sent and handed out.
 */
import { IncomingMessage } from 'node:http'
import type { Browser, Response as BrowserResponse } from 'playwright-core'
import { keepSecret, leaksSince, look, lookedAtAsItComes, lookInAnswer } from '../../support/secrets-shown.ts'

const services = new Set<string>()
/** Files of tests share a process. */
let watching = false
const underWay = new Set<Promise<unknown>>()
/** Passwords and secrets in the bodies of requests. */
const SENT = /"(?:password|client_secret|loginToken|secret)":"((?:[^"\\]|\\.)+)"/g

/** From now on no secret of this deployment may be printed or answered by the service at an origin. */
export function watchService(origin: string, deployment: object): void {
  services.add(new URL(origin).host)
  for (const secret of secretsIn(deployment)) keepSecret(secret)
}

/** What is secret in credentials and variables, by their names. */
export function secretsIn(values: object): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value === 'object' && value !== null) return secretsIn(value)
    return /(?:token|password|secret|keys|sk)$/i.test(name) && typeof value === 'string' && value !== '' ? [value] : []
  })
}

/** Resolves when all answers so far were looked through. */
export async function lookedThrough(): Promise<void> {
  while (underWay.size > 0) await Promise.allSettled(underWay)
}

/** Rejects if anything was shown so far. */
export async function requireNoLeaks(): Promise<void> {
  await lookedThrough()
  const leaks = leaksSince()
  if (leaks.length > 0) throw new Error(`secrets were shown: ${[...new Set(leaks)].join('; ')}`)
}

/** Listens to `fetch` and `node:http`, by which every client here asks. */
export function watchAnswers(): void {
  if (watching) return
  watching = true
  const { fetch } = globalThis
  globalThis.fetch = async (input, init) => {
    const request = input instanceof Request ? input : null
    const host = new URL(request?.url ?? String(input)).host
    if (!services.has(host)) return fetch(input, init)
    const before = [...underWay]
    // What an answer has handed out may be sent at once, and counts as handed out.
    const learned = later(async () => {
      await Promise.allSettled(before)
      learn(new Headers(init?.headers ?? request?.headers), init?.body)
    })
    const response = await fetch(input, init)
    const type = response.headers.get('content-type')
    if (isStream(type) && response.body !== null)
      Object.defineProperty(response, 'body', { value: lookedAtAsItComes(response.body) })
    const isText = isLookedAt(type)
    const copy = isText ? response.clone() : null
    later(async () => {
      const body = copy === null ? '' : await copy.text()
      await learned
      lookIn(response.headers, body)
    })
    return response
  }
  const { push } = IncomingMessage.prototype
  const chunks = new WeakMap<IncomingMessage, Buffer[]>()
  IncomingMessage.prototype.push = function (this: IncomingMessage, chunk: Buffer | null, ...rest) {
    const { localPort, remoteAddress, remotePort } = this.socket
    if (this.statusCode !== null && localPort !== undefined && services.has(`${remoteAddress}:${remotePort}`)) {
      const before = chunks.get(this) ?? []
      if (chunk !== null) chunks.set(this, [...before, chunk])
      else if (isLookedAt(this.headers['content-type'])) {
        const { 'set-cookie': cookies = [], ...headers } = this.headers
        const all = new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]))
        for (const cookie of cookies) all.append('set-cookie', cookie)
        lookIn(all, Buffer.concat(before).toString())
      }
    }
    return push.call(this, chunk, ...rest)
  }
}

/** Listens to what a browser is answered. */
export function watchBrowser(browser: Browser): Browser {
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (options) => {
    const context = await newContext(options)
    context.on('page', (page) =>
      page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => look('a stream', String(payload)))),
    )
    context.on('response', (response: BrowserResponse) => {
      if (!services.has(new URL(response.url()).host)) return
      later(async () => {
        const headers = new Headers(await response.allHeaders())
        lookIn(headers, isLookedAt(headers.get('content-type')) ? await response.text() : '')
      })
    })
    return context
  }
  return browser
}

function later(work: () => Promise<void>): Promise<void> {
  // An answer that was broken off was seen by nobody.
  const done = work().catch(() => undefined)
  underWay.add(done)
  void done.then(() => underWay.delete(done))
  return done
}

/** It may have no end. */
function isStream(type: string | null): boolean {
  return type?.startsWith('text/event-stream') === true
}

/** Files, which are the same for everybody, are not. */
function isLookedAt(type: string | null | undefined): boolean {
  return /[/+-](?:nd)?json|html|form/.test(type ?? '')
}

function learn(headers: Headers, body: unknown): void {
  const bearer = /^Bearer (.+)/i.exec(headers.get('authorization') ?? '')?.[1]
  if (bearer !== undefined) keepSecret(bearer)
  if (body instanceof URLSearchParams)
    for (const name of ['password', 'client_secret']) keepSecret(body.get(name) ?? '')
  if (typeof body === 'string') for (const [, secret = ''] of body.matchAll(SENT)) keepSecret(secret)
}

function lookIn(headers: Headers, body: string): void {
  const location = headers.get('location')
  if (location !== null) look('a redirect', location)
  lookInAnswer(body, headers.has('idempotent-replayed'))
  // A cookie hands its token out, again too: it is for nobody else.
  for (const cookie of headers.getSetCookie()) keepSecret(/=([^;]*)/.exec(cookie)?.[1] ?? '')
}

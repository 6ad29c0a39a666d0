/**
 * Looks for secrets where none may be: in what is logged, and in answers, but for the one answer that hands a secret
 * out. It knows those that the tests' support makes, and learns those that are handed out.
 */
import { vi } from 'vitest'

/** What an answer hands a secret out in. Each is shown once. */
const HANDED_OUT =
  /"(?:token|access_token|client_secret|secret_key|security_token|secret|loginToken)":"((?:[^"\\]|\\.){16,})"/g
/** Tokens and keys are found by such parts of them. */
const PART = /[A-Za-z0-9_-]{20,}/g
const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const

const parts = new Set<string>()
const phrases = new Set<string>()
const leaks: string[] = []

/** Shorter texts stand for a secret in a test, and are words of many answers. */
const SHORTEST = 10

/** From now on this may neither be logged nor answered. */
export function keepSecret(text: string): void {
  if (text.length < SHORTEST) return
  const found = text.match(PART)
  if (found === null) phrases.add(text)
  else for (const part of found) parts.add(part)
}

/** What was found since this was last asked: where, and a beginning of what. */
export function leaksSince(): readonly string[] {
  return leaks.splice(0)
}

/** Forgets all secrets: those of one file of tests are nothing to the next one. */
export function forgetSecrets(): void {
  parts.clear()
  phrases.clear()
}

/** Listens to the console and to every answer that is made, also where a test has the console say nothing. */
export function watchForSecrets(): void {
  if (Reflect.has(globalThis, WATCHING)) return
  Reflect.set(globalThis, WATCHING, true)
  for (const method of METHODS) {
    const original = console[method].bind(console)
    console[method] = (...said: unknown[]) => {
      lookInLog(said)
      original(...said)
    }
  }
  const { spyOn } = vi
  vi.spyOn = ((object: object, ...rest: [never]) => {
    const spy = spyOn(object as never, ...rest) as ReturnType<typeof vi.fn>
    if (object !== console) return spy
    const { mockImplementation } = spy
    spy.mockImplementation = (run) =>
      mockImplementation((...said) => {
        lookInLog(said)
        return (run as (...all: unknown[]) => unknown)(...said)
      })
    return spy
  }) as typeof vi.spyOn
  globalThis.Response = new Proxy(Response, {
    construct(target, [body, init], newTarget) {
      lookInAnswer(body, init)
      return Reflect.construct(target, [body, init], newTarget)
    },
    get(target, name) {
      if (name !== 'json') return Reflect.get(target, name)
      return (value: unknown, init?: ResponseInit) => {
        lookInAnswer(JSON.stringify(value), init)
        return target.json(value, init)
      }
    },
  })
}

const WATCHING = Symbol.for('latchkey.secret-watch')

function lookInLog(said: readonly unknown[]): void {
  look('a log line', said.map(asText).join(' '))
}

/** Errors and what they hold too. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value
  const inner = (_name: string, one: unknown) =>
    one instanceof Error ? { ...one, message: one.message, stack: one.stack, cause: one.cause } : one
  return JSON.stringify(value, inner) ?? String(value)
}

function lookInAnswer(body: unknown, init: ResponseInit | undefined): void {
  const headers = new Headers(init?.headers)
  const location = headers.get('location')
  if (location !== null) look('a redirect', location)
  if (typeof body !== 'string') return
  const handedOut = new Set<string>()
  const rest = body.replace(HANDED_OUT, (all, value: string) => {
    if (isSecret(value) && !headers.has('idempotent-replayed')) return all
    handedOut.add(value)
    return ''
  })
  look('an answer', rest)
  for (const value of handedOut) keepSecret(value)
}

function isSecret(value: string): boolean {
  return (value.match(PART) ?? []).some((part) => parts.has(part))
}

function look(where: string, text: string): void {
  const shown = new Set((text.match(PART) ?? []).filter((part) => parts.has(part)))
  for (const part of shown) leaks.push(`${where} shows ${part.slice(0, 12)}…`)
  for (const phrase of phrases) if (text.includes(phrase)) leaks.push(`${where} shows ${phrase.slice(0, 12)}…`)
}

/** Looks for secrets in what the Worker under test logs and answers. */
import { vi } from 'vitest'
import { ofIsolate } from './of-isolate.ts'
import { look, lookedAtAsItComes, lookInAnswer, lookInLog } from './secrets-shown.ts'

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const

/** Listens to the console and to every answer that is made, also where a test has the console say nothing. */
export function watchForSecrets(): void {
  ofIsolate('secret-watch', watch)
}

function watch(): void {
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
      lookInResponse(body, init)
      return Reflect.construct(target, [watched(body, init), init], newTarget)
    },
    get(target, name) {
      if (name !== 'json') return Reflect.get(target, name)
      return (value: unknown, init?: ResponseInit) => {
        lookInResponse(JSON.stringify(value), init)
        return target.json(value, init)
      }
    },
  })
}

/** What comes by and by is looked at as it comes. */
function watched(body: unknown, init: ResponseInit | undefined): unknown {
  if (!(body instanceof ReadableStream)) return body
  if (!/event-stream|ndjson/.test(new Headers(init?.headers).get('content-type') ?? '')) return body
  return lookedAtAsItComes(body)
}

function lookInResponse(body: unknown, init: ResponseInit | undefined): void {
  const headers = new Headers(init?.headers)
  const location = headers.get('location')
  if (location !== null) look('a redirect', location)
  if (typeof body === 'string') lookInAnswer(body, headers.has('idempotent-replayed'))
}

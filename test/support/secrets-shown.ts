/**
 * Looks for secrets where none may be: in what is logged or printed, and in answers, but for the one answer that hands a
 * secret out. It knows those that the tests' support makes, and learns those that are handed out.
 */

/** What an answer hands a secret out in. Each is shown once. */
const HANDED_OUT =
  /"(?:token|access_token|client_secret|secret_key|security_token|secret|loginToken)":"((?:[^"\\]|\\.){16,})"/g
/** Tokens and keys are found by such parts of them. */
const PART = /[A-Za-z0-9_-]{20,}/g

const parts = new Set<string>()
const phrases = new Set<string>()
/** Of people: what answers may have and logs may not. */
const personal = new Set<string>()
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

/** From now on this may not be logged: a name, an address or a user agent of somebody. */
export function keepPersonal(text: string): void {
  personal.add(text)
}

/** What was found since this was last asked: where, and a beginning of what. */
export function leaksSince(): readonly string[] {
  return leaks.splice(0)
}

/** Forgets all of it: the secrets of one file of tests are nothing to the next one. */
export function forgetSecrets(): void {
  parts.clear()
  phrases.clear()
  personal.clear()
}

/** In what is logged. */
export function lookInLog(said: readonly unknown[]): void {
  const line = said.map(asText).join(' ')
  look('a log line', line)
  for (const text of personal) if (line.includes(text)) leaks.push(`a log line shows ${text}`)
}

/** Errors and what they hold too. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value
  const inner = (_name: string, one: unknown) =>
    one instanceof Error ? { ...one, message: one.message, stack: one.stack, cause: one.cause } : one
  return JSON.stringify(value, inner) ?? String(value)
}

/** In what is answered. `replayed`: an answer that hands something out comes again, because its request did. */
export function lookInAnswer(body: string, replayed: boolean): void {
  const handedOut = new Set<string>()
  const others = body.replace(HANDED_OUT, (all, value: string) => {
    if (isSecret(value) && !replayed) return all
    handedOut.add(value)
    return ''
  })
  look('an answer', others)
  for (const value of handedOut) keepSecret(value)
}

function isSecret(value: string): boolean {
  return (value.match(PART) ?? []).some((part) => parts.has(part))
}

/** In a text that is there. */
export function look(where: string, text: string): void {
  leaks.push(...shownIn(text).map((secret) => `${where} shows ${secret}`))
}

/** The same stream: each piece, a message or some lines, is looked at when its reader has asked for it. */
export function lookedAtAsItComes(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  const source: UnderlyingByteSource = {
    // As those that it stands for: it goes over a service binding, and asks for nothing that its reader has not asked for.
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) return controller.close()
      look('a stream', decoder.decode(value, { stream: true }))
      controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  }
  return new ReadableStream(source)
}

/** The beginnings of the secrets that a text shows. */
export function shownIn(text: string): readonly string[] {
  const found = new Set((text.match(PART) ?? []).filter((part) => parts.has(part)))
  for (const phrase of phrases) if (text.includes(phrase)) found.add(phrase)
  return Array.from(found, (secret) => `${secret.slice(0, 12)}…`)
}

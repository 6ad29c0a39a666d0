/** The service over HTTP, wherever it is. */
import type { Send } from './act.ts'
import type { Caller } from './store.ts'

/** No answer may take so long. */
const PATIENCE_MILLISECONDS = 60_000
const TRIES = 50
const PAUSE_MILLISECONDS = 200
/** Wait of who got no answer, so that an outage is not used up at once. */
const OUTAGE_MILLISECONDS = 500

/**
 * Sends acts. An answer that is none of the service's, but of what stands before it while it is down, is none.
 * @param late told of what nobody answered in time
 */
export function sendTo(baseUrl: string, late: (what: string) => void): Send {
  return async ({ method, path, headers, body }) => {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MILLISECONDS)
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers,
        signal,
        redirect: 'manual',
        ...(body !== undefined && { body }),
      })
      const text = await response.text()
      if (response.headers.has('x-request-id')) return { status: response.status, headers: response.headers, text }
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') late(`${method} ${path} hangs`)
    }
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MILLISECONDS))
    return null
  }
}

/** Makes what a campaign needs, however long it takes. */
export function callerTo(baseUrl: string): Caller {
  return async ({ method, path, bearer, json, form }) => {
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
        },
        ...(json !== undefined
          ? { body: JSON.stringify(json) }
          : form !== undefined && { body: new URLSearchParams(form) }),
      })
      const text = await response.text()
      if (response.ok) return { body: text === '' ? null : JSON.parse(text), cookies: response.headers.getSetCookie() }
      if (response.status < 500 || tries === TRIES) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS))
    }
  }
}

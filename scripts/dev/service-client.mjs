// A client of the service's APIs, as much as the seeding needs.
import { send } from './local-http.mjs'

const TIMEOUT_MILLISECONDS = 30_000

/** An answer that was not expected. `status` is the HTTP status. */
export class UnexpectedAnswer extends Error {
  constructor(method, path, status, text) {
    super(`${method} ${path}: ${status} ${text.slice(0, 500)}`)
    this.status = status
  }
}

/**
 * Calls with one token, or with none if it is null. `call` answers the JSON body and throws `UnexpectedAnswer` for
 * anything but 2xx. A body of `URLSearchParams` goes as a form.
 */
export function serviceClient(baseUrl, token) {
  return {
    async call(method, path, body, headers = {}) {
      const form = body instanceof URLSearchParams
      const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
      const { status, text } = await send(`${baseUrl}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': type }),
          ...headers,
        },
        body: body === undefined || form ? body?.toString() : JSON.stringify(body),
        timeoutMilliseconds: TIMEOUT_MILLISECONDS,
      })
      if (status < 200 || status > 299) throw new UnexpectedAnswer(method, path, status, text)
      return text === '' ? null : JSON.parse(text)
    },
  }
}

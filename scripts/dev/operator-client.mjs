// A client of the operator API, as much as the seeding needs.
import { send } from './local-http.mjs'

const TIMEOUT_MILLISECONDS = 10_000

/** An answer that was not expected. `status` is the HTTP status. */
export class UnexpectedAnswer extends Error {
  constructor(method, path, status, text) {
    super(`${method} ${path}: ${status} ${text.slice(0, 500)}`)
    this.status = status
  }
}

/** Calls with one token. `call` answers the JSON body and throws `UnexpectedAnswer` for anything but 2xx. */
export function operatorClient(baseUrl, token) {
  return {
    async call(method, path, body) {
      const { status, text } = await send(`${baseUrl}/operator${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        timeoutMilliseconds: TIMEOUT_MILLISECONDS,
      })
      if (status < 200 || status > 299) throw new UnexpectedAnswer(method, path, status, text)
      return text === '' ? null : JSON.parse(text)
    },
  }
}

// A client of the operator API, as much as the seeding needs.

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
      const response = await fetch(`${baseUrl}/operator${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      })
      const text = await response.text()
      if (!response.ok) throw new UnexpectedAnswer(method, path, response.status, text)
      return text === '' ? null : JSON.parse(text)
    },
  }
}

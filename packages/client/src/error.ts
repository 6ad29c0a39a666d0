/** Thrown where the application, not its user, is at fault: a credential that is refused, an argument that is wrong. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError'
  /** The code of the problem, such as `credential_revoked` or `forbidden`. */
  declare readonly code: string
  /** Null over a service binding. */
  declare readonly status: number | null
  /** Names the request in the service's log; null where there is none. */
  declare readonly requestId: string | null

  constructor(code: string, message: string, status: number | null = null, requestId: string | null = null) {
    super(`${code}: ${message}`)
    this.code = code
    this.status = status
    this.requestId = requestId
  }
}

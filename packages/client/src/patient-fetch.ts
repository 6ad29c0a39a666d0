/** A `fetch` that waits and repeats. */
import { LatchkeyError } from './error.ts'
import { isUnavailable, type Patience, patiently, unavailable } from './patience.ts'

/** Makes one that tries again what may be done twice. Throws a `LatchkeyError` where there is no answer in time. */
export function patient(send: typeof fetch, patience: Patience): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const safe = request.method !== 'POST' && request.method !== 'PATCH'
    let last: Response | null = null
    const answer = await patiently<Response>(
      async (signal) => {
        last = null
        const response = await send(new Request(request.clone(), { signal }))
        if (response.status < 500 && response.status !== 429) return response
        last = response
        return unavailable(Number(response.headers.get('retry-after') ?? 0) || 0)
      },
      { ...patience, retries: safe ? patience.retries : 0, signal: request.signal },
    )
    if (!isUnavailable(answer)) return answer
    if (last !== null) return last
    throw new LatchkeyError('unavailable', `${request.method} ${request.url} has no answer.`)
  }
}

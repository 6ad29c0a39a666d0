/** A mutex for each key: callers with the same key go one after the other, in the order of arrival. */
import { fail, ok, type Result } from '../domain/result.ts'
import { type Unavailable, within } from '../time-limit.ts'

export class TurnsByKey {
  private readonly last = new Map<string, Promise<void>>()

  /**
   * Waits for a turn, and answers the function that ends it. Errors: `unavailable` if the turn has not come within this
   * time; it is passed on then.
   */
  async begin(key: string, milliseconds: number): Promise<Result<() => void, Unavailable>> {
    const before = this.last.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.last.set(key, promise)
    const end = () => {
      if (this.last.get(key) === promise) this.last.delete(key)
      resolve()
    }
    if (before === undefined) return ok(end)
    const began = await within(milliseconds, 'a turn to sign in', () => before)
    if (began.ok) return ok(end)
    before.then(end)
    return fail(began.error)
  }
}

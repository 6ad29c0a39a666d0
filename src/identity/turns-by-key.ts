/** Turns by key: who has the same key goes one after the other, in the order of arrival. */
import { fail, ok, type Result } from '../domain/result.ts'
import { type Unavailable, within } from '../time-limit.ts'

export class TurnsByKey {
  private readonly last = new Map<string, Promise<void>>()

  /**
   * Waits for its turn, which is over when the function that it answers is called. Errors: `unavailable` if it has
   * not come within this time; it is let pass then.
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

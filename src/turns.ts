/** A mutex: work that is done one after the other. */

/** Each caller waits for all callers before it. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve()

  /** Does `work` when what came before is done or has failed. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work)
    this.last = turn.catch(() => undefined)
    return turn
  }
}

/**
 * KV as it is at the edge, not as it is on one machine: a write is seen only after a while, writes may be seen
 * in another order than they were made, and a second write of a key within a second is refused.
 */
import { intercept } from './bindings.ts'

interface Write {
  readonly value: string | null
  readonly at: number
  readonly visibleAt: number
}

/** Stands in for the `CONFIG` binding from its making to the end of the test. It goes by the test's clock. */
export class KvDouble {
  /** How many writes were refused. */
  refused = 0
  private readonly writes = new Map<string, Write[]>()
  private readonly delaysSeconds: readonly number[]
  private written = 0

  /**
   * @param delaysSeconds how long the first, second, … write takes to be seen; the last one holds for all further
   *   ones. `[60, 5]` shows the second write first, and then the first one.
   */
  constructor(delaysSeconds: readonly number[]) {
    this.delaysSeconds = delaysSeconds
    intercept(async (call, goOn) => {
      if (call.to !== 'KV') return goOn()
      if (call.method === 'get') return this.get(call.key)
      return this.write(call.key, call.method === 'put' ? String(call.value) : null)
    })
  }

  /** What a reader sees now. */
  get(key: string): string | null {
    const now = Date.now()
    const visible = (this.writes.get(key) ?? []).filter(({ visibleAt }) => visibleAt <= now)
    return (
      visible.reduce<Write | null>((last, write) => (write.visibleAt >= (last?.visibleAt ?? 0) ? write : last), null)
        ?.value ?? null
    )
  }

  private write(key: string, value: string | null): void {
    const now = Date.now()
    const writes = this.writes.get(key) ?? []
    const last = writes.at(-1)
    if (last !== undefined && now - last.at < 1_000) {
      this.refused += 1
      throw new Error('KV PUT failed: 429 Too Many Requests')
    }
    const delay = this.delaysSeconds[Math.min(this.written, this.delaysSeconds.length - 1)] ?? 0
    this.written += 1
    this.writes.set(key, [...writes, { value, at: now, visibleAt: now + delay * 1000 }])
  }
}

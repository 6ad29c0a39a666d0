/** Trips in sequence: what an answer waits for, one after the other. */

/** Who is asked over the network. A hasher is an object of its own. */
export type Party = 'object' | 'hasher' | 'D1' | 'KV'

/** Milliseconds there and back, by who is asked: D1 near and far. */
export const DISTANCES = [
  { object: 5, hasher: 5, KV: 10, D1: 30 },
  { object: 5, hasher: 5, KV: 10, D1: 80 },
] as const

/** Follows calls. Those that overlap in time are one step; one that begins after another has ended is the next step. */
export class Trips {
  private readonly parties: Set<Party>[] = []
  private stepOfObject = -1
  private ended = 0

  /** Passes a call on. What an object asks while it is asked comes after the way to it. */
  async pass<T>(party: Party, goOn: () => Promise<T>, byObject = false): Promise<T> {
    const step = byObject ? Math.max(this.ended, this.stepOfObject + 1) : this.ended
    if (!byObject && (party === 'object' || party === 'hasher')) this.stepOfObject = step
    try {
      return await goOn()
    } finally {
      this.parties[step] = (this.parties[step] ?? new Set()).add(party)
      this.ended = Math.max(this.ended, step + 1)
    }
  }

  /** The steps that have ended by now, such as `['D1', 'D1+KV', 'object']`. */
  get steps(): string[] {
    return this.parties.map((parties) => [...parties].sort().join('+'))
  }
}

/** How long steps take at some distances, in milliseconds, if nothing but the way took time. */
export function wayMilliseconds(steps: readonly string[], distances: Readonly<Record<Party, number>>): number {
  const longest = (step: string) => Math.max(...step.split('+').map((party) => distances[party as Party]))
  return steps.reduce((sum, step) => sum + longest(step), 0)
}

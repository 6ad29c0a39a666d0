/**
 * A queue for a scarce resource. Operators come first, then clients that have signed in as the user before, then
 * strangers. Among equals it is fair (start-time fair queueing): a client that asks often waits behind the others, and
 * behind its own earlier requests, so that nobody waits for ever.
 */

const PRIORITIES = ['operator', 'known', 'stranger'] as const
export type Priority = (typeof PRIORITIES)[number]

/** For whom something is asked. */
export interface Asker {
  readonly priority: Priority
  /** Whose turns are counted together: a user, or an address prefix. */
  readonly who: string
}

/** A place in the queue, with what its holder keeps there. */
export interface Place<Kept> {
  readonly rank: number
  readonly who: string
  /** The round it belongs to: the one after its client's last round, or after the current one. */
  readonly round: number
  readonly number: number
  readonly kept: Kept
}

export class FairQueue<Kept> {
  private readonly places = new Set<Place<Kept>>()
  private made = 0
  /** The current round. */
  private round = 0

  get size(): number {
    return this.places.size
  }

  /** A place for one who has just come. It is not in the queue yet. */
  placeFor({ priority, who }: Asker, kept: Kept): Place<Kept> {
    const rank = PRIORITIES.indexOf(priority)
    const rounds = [...this.places].flatMap((other) => (other.rank === rank && other.who === who ? [other.round] : []))
    this.made += 1
    return { rank, who, round: Math.max(this.round, ...rounds) + 1, number: this.made, kept }
  }

  /** Those whose turn comes before that of a place. */
  ahead(place: Place<Kept>): readonly Place<Kept>[] {
    return [...this.places].filter((other) => comesBefore(other, place))
  }

  /** Whose turn is next; undefined if nobody waits. */
  first(): Place<Kept> | undefined {
    let first: Place<Kept> | undefined
    for (const place of this.places) if (first === undefined || comesBefore(place, first)) first = place
    return first
  }

  join(place: Place<Kept>): void {
    this.places.add(place)
  }

  /** Removes one who gives up, or whose turn is over. */
  leave(place: Place<Kept>): void {
    this.places.delete(place)
  }

  /** A turn begins. */
  begin(place: Place<Kept>): void {
    this.round = Math.max(this.round, place.round)
    this.leave(place)
  }
}

function comesBefore(a: Place<unknown>, b: Place<unknown>): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank
  return a.round === b.round ? a.number < b.number : a.round < b.round
}

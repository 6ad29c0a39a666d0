/** What is selected in a list. It outlives paging and new rows; a selected row that goes away stays selected. */
import { useState } from 'react'

export interface Selection<T> {
  readonly chosen: readonly T[]
  readonly has: (row: T) => boolean
  readonly toggle: (row: T) => void
  /** Selects all of these, or none of them if all are. */
  readonly toggleAll: (rows: readonly T[]) => void
  readonly clear: () => void
}

export function useSelection<T>(idOf: (row: T) => string): Selection<T> {
  const [chosen, setChosen] = useState<ReadonlyMap<string, T>>(new Map())
  const has = (row: T) => chosen.has(idOf(row))
  function change(act: (next: Map<string, T>) => void) {
    setChosen((before) => {
      const next = new Map(before)
      act(next)
      return next
    })
  }
  return {
    chosen: [...chosen.values()],
    has,
    toggle: (row) =>
      change((next) => {
        if (!next.delete(idOf(row))) next.set(idOf(row), row)
      }),
    toggleAll(rows) {
      const all = rows.every(has)
      change((next) => {
        for (const row of rows) {
          if (all) next.delete(idOf(row))
          else next.set(idOf(row), row)
        }
      })
    },
    clear: () => setChosen(new Map()),
  }
}

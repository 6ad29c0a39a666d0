/** Rows that a poll brings do not push away those that somebody reads: they wait until they are asked for. */
import { useState } from 'react'

interface Settled<T> {
  readonly rows: readonly T[]
  /** How many wait. */
  readonly fresh: number
  readonly showAll: () => void
}

/** `view` names what is listed: where it changes, everything is shown anew. */
export function useSettled<T>(found: readonly T[] | undefined, idOf: (row: T) => string, view: string): Settled<T> {
  const [shown, setShown] = useState<{ readonly view: string; readonly ids: ReadonlySet<string> } | null>(null)
  if (found === undefined) return { rows: [], fresh: 0, showAll: () => {} }
  const all = () => setShown({ view, ids: new Set(found.map(idOf)) })
  const rows = shown?.view === view ? found.filter((row) => shown.ids.has(idOf(row))) : []
  // Nobody reads an empty list.
  if (rows.length === 0 && (found.length > 0 || shown?.view !== view)) {
    all()
    return { rows: found, fresh: 0, showAll: all }
  }
  return { rows, fresh: found.length - rows.length, showAll: all }
}

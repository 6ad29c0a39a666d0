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
  if (shown === null || shown.view !== view) all()
  const ids = shown?.view === view ? shown.ids : new Set(found.map(idOf))
  const rows = found.filter((row) => ids.has(idOf(row)))
  return { rows, fresh: found.length - rows.length, showAll: all }
}

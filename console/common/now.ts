/** The clock that relative times are told by: one for the whole page. */
import { useSyncExternalStore } from 'react'

const STEP_MILLISECONDS = 5_000
let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (timer === undefined) now = Date.now()
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, STEP_MILLISECONDS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** Epoch milliseconds, some seconds old at most. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

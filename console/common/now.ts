/** The clocks that times are told by: each is one for the whole page, and stands still while nobody looks at it. */
import { useSyncExternalStore } from 'react'

function clock(stepMilliseconds: number) {
  let now = Date.now()
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  function subscribe(listener: () => void): () => void {
    listeners.add(listener)
    if (timer === undefined) now = Date.now()
    timer ??= setInterval(() => {
      now = Date.now()
      for (const each of listeners) each()
    }, stepMilliseconds)
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }
  return () => useSyncExternalStore(subscribe, () => now)
}

/** Epoch milliseconds, some seconds old at most. */
export const useNow = clock(5_000)
/** The same, a second old at most: for what is counted down. */
export const useSecond = clock(1_000)

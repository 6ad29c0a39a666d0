/**
 * Undo, for what cannot be undone once it is sent: for some seconds a toast offers it, and only then the request goes.
 * Leaving the page sends what waits: who closed the tab meant it.
 */
import { useEffect, useRef, useState } from 'react'
import { useKumoToastManager } from '../ui.ts'

const UNDO_MILLISECONDS = 5_000

interface Waiting {
  readonly send: () => void
  readonly timer: ReturnType<typeof setTimeout>
  /** Offers the undo. */
  readonly toast: string
}

export interface Undo {
  /** Whether the act on this row waits. */
  readonly waits: (id: string) => boolean
  /** Says what is about to happen, and sends it when nobody has undone it. */
  readonly later: (id: string, title: string, send: () => void) => void
}

export function useUndo(): Undo {
  const toasts = useKumoToastManager()
  const close = useRef(toasts.close)
  close.current = toasts.close
  const waiting = useRef(new Map<string, Waiting>())
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())

  useEffect(() => {
    const all = waiting.current
    function sendAll() {
      for (const { send, timer, toast } of all.values()) {
        clearTimeout(timer)
        close.current(toast)
        send()
      }
      all.clear()
    }
    addEventListener('pagehide', sendAll)
    return () => {
      removeEventListener('pagehide', sendAll)
      sendAll()
    }
  }, [])

  function done(id: string) {
    const one = waiting.current.get(id)
    if (one !== undefined) clearTimeout(one.timer)
    waiting.current.delete(id)
    setIds(new Set(waiting.current.keys()))
  }

  return {
    waits: (id) => ids.has(id),
    later(id, title, send) {
      if (waiting.current.has(id)) return
      const toast = toasts.add({
        title,
        timeout: UNDO_MILLISECONDS,
        actions: [
          {
            children: 'Undo',
            onClick() {
              done(id)
              toasts.close(toast)
            },
          },
        ],
      })
      const timer = setTimeout(() => {
        done(id)
        send()
      }, UNDO_MILLISECONDS)
      waiting.current.set(id, { send, timer, toast })
      setIds(new Set(waiting.current.keys()))
    },
  }
}

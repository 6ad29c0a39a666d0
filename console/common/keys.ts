/** The keys of lists: `/` to the search, `j` and `k` down and up, `x` to select; not while something is typed. */
import { useEffect } from 'react'

/** Calls what belongs to a key that is pressed outside of fields, dialogs and menus. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    function pressed(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
      const target = event.target as HTMLElement
      if (target.closest('input, textarea, select, [contenteditable], [role=dialog], [role=listbox]') !== null) return
      const act = keys[event.key]
      if (act === undefined) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [keys])
}

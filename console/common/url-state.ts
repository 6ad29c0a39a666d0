/** What a screen shows stands in its address, so that a link in a ticket opens the same view. */
import { useLocation, useSearch } from 'wouter'

export interface UrlState {
  readonly values: URLSearchParams
  /** Sets or, with null, removes values. What is left out stays. */
  readonly set: (changes: Readonly<Record<string, string | null>>) => void
}

export function useUrlState(): UrlState {
  const [path, go] = useLocation()
  const values = new URLSearchParams(useSearch())
  return {
    values,
    set(changes) {
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === '') values.delete(name)
        else values.set(name, value)
      }
      go(values.size === 0 ? path : `${path}?${values}`, { replace: true })
    },
  }
}

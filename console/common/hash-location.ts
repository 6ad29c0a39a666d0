/**
 * The address of a screen stands behind the `#` whole, with its filters: the service serves one page, and a link in a
 * ticket opens the same view.
 */
import { useSyncExternalStore } from 'react'

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

/** Path and search. */
function parts(): readonly [string, string] {
  const [path = '', ...search] = location.hash.slice(1).split('?')
  return [path === '' ? '/' : path, search.join('?')]
}

function go(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (!replace) {
    location.hash = to
    return
  }
  history.replaceState(history.state, '', `#${to}`)
  dispatchEvent(new HashChangeEvent('hashchange'))
}

/** For wouter: the path of the screen. */
export function useHashLocation(): [string, typeof go] {
  return [useSyncExternalStore(subscribe, () => parts()[0]), go]
}
useHashLocation.hrefs = (href: string) => `#${href}`

/** For wouter: the filters. */
export function useHashSearch(): string {
  return useSyncExternalStore(subscribe, () => parts()[1])
}

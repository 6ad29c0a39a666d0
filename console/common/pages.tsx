/** The way through the pages of a list. The place is in the address: the browser's back button goes back a page. */
import { useLocation, useSearch } from 'wouter'
import { Button } from '../ui.ts'

export function Pages({ next }: { readonly next: string | null }) {
  const [path, go] = useLocation()
  const search = useSearch()
  const here = new URLSearchParams(search).get('cursor')
  function to(cursor: string | null) {
    const values = new URLSearchParams(search)
    if (cursor === null) values.delete('cursor')
    else values.set('cursor', cursor)
    go(values.size === 0 ? path : `${path}?${values}`)
  }
  if (next === null && here === null) return null
  return (
    <nav className="acts" aria-label="Pages">
      <Button disabled={here === null} onClick={() => to(null)}>
        First page
      </Button>
      <Button disabled={next === null} onClick={() => to(next)}>
        Next page
      </Button>
    </nav>
  )
}

/** A screen: its title, what it shows in a sentence, and what it shows as soon as that is there. */
import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { Loader } from '../ui.ts'
import { Breakable } from './breakable.tsx'
import { Failure } from './failure.tsx'

interface Shown {
  readonly title: string
  /** A sentence: what is shown, and how exact it is. */
  readonly about?: ReactNode
  readonly acts?: ReactNode
  readonly children: ReactNode
}

export function Screen({ title, about, acts, children }: Shown) {
  useEffect(() => {
    document.title = `${title} · Latchkey console`
  }, [title])
  return (
    <>
      <header className="head">
        <div>
          <h1>
            <Breakable text={title} />
          </h1>
          {about === undefined ? null : <p className="subtle">{about}</p>}
        </div>
        {acts === undefined ? null : <div className="acts">{acts}</div>}
      </header>
      {children}
    </>
  )
}

/** What a query has found. An error of a later try stands above what was found before. */
export function Found<T>({
  query,
  children,
}: {
  readonly query: UseQueryResult<T>
  readonly children: (data: T) => ReactNode
}) {
  const { data, error, refetch } = query
  return (
    <>
      {error === null ? null : <Failure error={error} retry={() => void refetch()} />}
      {data !== undefined ? children(data) : error === null ? <Loader aria-label="Loading" /> : null}
    </>
  )
}

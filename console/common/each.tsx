/** The same act on many, one by one: how far it is, and what became of each. */
import { useState } from 'react'
import { Banner, Button, Meter } from '../ui.ts'
import type { Act } from './act.tsx'
import { many } from './words.ts'

export interface Result {
  readonly name: string
  readonly said: string
  readonly failed: boolean
}

export interface Each {
  /** Acts on all of these; what one says becomes its result, and so does what it throws. */
  readonly run: <T>(items: readonly T[], nameOf: (item: T) => string, doing: (item: T) => Promise<string>) => void
  readonly show: (results: readonly Result[]) => void
  readonly results: readonly Result[]
  readonly progress: { readonly done: number; readonly of: number } | null
}

/** So many are under way at a time. */
const LANES = 4

export function useEach(act: Act): Each {
  const [results, show] = useState<readonly Result[]>([])
  const [progress, setProgress] = useState<Each['progress']>(null)
  return {
    run: (items, nameOf, doing) =>
      act.run(async () => {
        const all: Result[] = []
        const waiting = [...items.entries()]
        let done = 0
        setProgress({ done, of: items.length })
        const lane = async () => {
          for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
            const [index, item] = next
            all[index] = await resultOf(nameOf(item), () => doing(item))
            done += 1
            setProgress({ done, of: items.length })
          }
        }
        await Promise.all(Array.from({ length: LANES }, lane))
        setProgress(null)
        show(all)
        return null
      }),
    show,
    results,
    progress,
  }
}

async function resultOf(name: string, doing: () => Promise<string>): Promise<Result> {
  try {
    return { name, said: await doing(), failed: false }
  } catch (error) {
    return { name, said: error instanceof Error ? error.message : String(error), failed: true }
  }
}

/** The failed ones stand first, and open; that all went well is one line. */
export function Results({ each: { progress, results, show } }: { readonly each: Each }) {
  if (progress !== null) {
    const { done, of } = progress
    return <Meter label="Under way" value={(done / of) * 100} customValue={`${done} / ${of}`} />
  }
  if (results.length === 0) return null
  const failed = results.filter((one) => one.failed)
  const well = results.filter((one) => !one.failed)
  return (
    <Banner
      variant={failed.length > 0 ? 'alert' : 'default'}
      title={`${many(well.length, 'user')} done${failed.length === 0 ? '' : `, ${failed.length} not`}`}
      description={
        <>
          <Lines results={failed} />
          <details>
            <summary>What became of the others</summary>
            <Lines results={well} />
          </details>
        </>
      }
      action={<Button onClick={() => show([])}>Close</Button>}
    />
  )
}

function Lines({ results }: { readonly results: readonly Result[] }) {
  return (
    <ul>
      {results.map(({ name, said }) => (
        <li key={name}>
          {name}: {said}
        </li>
      ))}
    </ul>
  )
}

/** A list: rows with a name, which can be selected and walked through by keys. */
import type { KeyboardEvent, ReactNode } from 'react'
import { LayerCard, Table } from '../ui.ts'
import { useKeys } from './keys.ts'
import type { Selection } from './selection.ts'

export interface Column<T> {
  readonly name: string
  readonly cell: (row: T) => ReactNode
}

interface Listed<T> {
  /** What the list is of: "Live sessions". */
  readonly label: string
  readonly rows: readonly T[]
  readonly idOf: (row: T) => string
  /** What a row is called by those who hear it. */
  readonly nameOf: (row: T) => string
  readonly columns: readonly Column<T>[]
  readonly selection?: Selection<T>
  /** Rows that are about to go. */
  readonly faded?: (row: T) => boolean
}

const ROWS = '[data-row]'

export function List<T>({ label, rows, idOf, nameOf, columns, selection, faded }: Listed<T>) {
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    x() {
      const id = document.activeElement?.closest<HTMLElement>(ROWS)?.dataset.row
      const row = rows.find((each) => idOf(each) === id)
      if (row !== undefined) selection?.toggle(row)
    },
    '/': () => document.querySelector<HTMLElement>('[data-search] input')?.focus(),
  })
  const some = selection !== undefined && rows.some(selection.has)
  const all = some && rows.every(selection.has)
  return (
    <LayerCard className="list">
      <Table aria-label={label}>
        <Table.Header>
          <Table.Row>
            {selection === undefined ? null : (
              <Table.CheckHead
                checked={all}
                indeterminate={some && !all}
                onCheckedChange={() => selection.toggleAll(rows)}
                label="Select all of this page"
              />
            )}
            {columns.map(({ name }) => (
              <Table.Head key={name} {...stickyFor(name)}>
                {name === '' ? <span className="unseen">Acts</span> : name}
              </Table.Head>
            ))}
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {rows.map((row) => (
            <Table.Row
              key={idOf(row)}
              data-row={idOf(row)}
              tabIndex={-1}
              onKeyDown={open}
              className={faded?.(row) === true ? 'faded' : ''}
              variant={selection?.has(row) === true ? 'selected' : 'default'}
            >
              {selection === undefined ? null : (
                <Table.CheckCell
                  checked={selection.has(row)}
                  onCheckedChange={() => selection.toggle(row)}
                  label={`Select ${nameOf(row)}`}
                />
              )}
              {columns.map(({ name, cell }) => (
                <Table.Cell key={name} {...stickyFor(name)}>
                  {cell(row)}
                </Table.Cell>
              ))}
            </Table.Row>
          ))}
        </Table.Body>
      </Table>
    </LayerCard>
  )
}

/** What one can do with a row stays in sight, however narrow the list is. */
function stickyFor(name: string) {
  return name === '' ? ({ sticky: 'right' } as const) : {}
}

/** Enter on a row goes to its own page; on what is in it, it is that one's. */
function open({ key, target, currentTarget }: KeyboardEvent<HTMLElement>) {
  if (key === 'Enter' && target === currentTarget) currentTarget.querySelector<HTMLElement>('a[href]')?.click()
}

function step(by: 1 | -1) {
  const rows = [...document.querySelectorAll<HTMLElement>(ROWS)]
  const at = rows.findIndex((row) => row.contains(document.activeElement))
  const next = rows[at === -1 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

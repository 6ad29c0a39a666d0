/** Filters of a list, which stand in the address. */
import type { FormEvent } from 'react'
import { Button, Input, Select } from '../ui.ts'
import type { UrlState } from './url-state.ts'

export interface Filter {
  readonly name: string
  readonly label: string
  readonly placeholder?: string
  readonly type?: 'text' | 'datetime-local'
  /** The values to choose from, with what they are called. */
  readonly options?: Readonly<Record<string, string>>
}

const ANY = 'any'

/** What is set of these, as the API takes it: instants in UTC. */
export function filtersOf(url: UrlState, filters: readonly Filter[]): Record<string, string> {
  return Object.fromEntries(
    filters.flatMap(({ name, type }) => {
      const value = url.values.get(name)
      if (value === null || value === '') return []
      return [[name, type === 'datetime-local' ? new Date(value).toISOString() : value]]
    }),
  )
}

export function Filters({ url, filters }: { readonly url: UrlState; readonly filters: readonly Filter[] }) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const texts = filters.filter(({ options }) => options === undefined)
    url.set({
      cursor: null,
      ...Object.fromEntries(texts.map(({ name }) => [name, String(form.get(name) ?? '').trim()])),
    })
  }
  const set = filters.filter(({ name }) => url.values.has(name))
  return (
    // biome-ignore lint/a11y/useSemanticElements: `search` is no element that forms can be.
    <form className="filters" role="search" onSubmit={submit} data-search>
      {filters.map(({ name, label, placeholder, type, options }) =>
        options === undefined ? (
          <Input
            key={`${name}:${url.values.get(name)}`}
            name={name}
            label={label}
            type={type ?? 'text'}
            placeholder={placeholder}
            defaultValue={url.values.get(name) ?? ''}
            onBlur={(event) => event.currentTarget.form?.requestSubmit()}
            size="sm"
          />
        ) : (
          <Select
            key={name}
            label={label}
            value={url.values.get(name) ?? ANY}
            onValueChange={(value) => url.set({ cursor: null, [name]: value === ANY ? null : String(value) })}
            items={{ [ANY]: 'Any', ...options }}
            size="sm"
          />
        ),
      )}
      <Button type="submit" size="sm">
        Filter
      </Button>
      {set.length === 0 ? null : (
        <Button
          size="sm"
          variant="ghost"
          onClick={() => url.set({ cursor: null, ...Object.fromEntries(set.map(({ name }) => [name, null])) })}
        >
          Clear
        </Button>
      )}
    </form>
  )
}

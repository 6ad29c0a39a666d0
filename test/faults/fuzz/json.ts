/** JSON as it can be written, not as it can be parsed: names that come twice, `__proto__`, numbers that are none. */

/** A value. Members keep their order, and may share a name. */
export type Json = null | boolean | number | string | readonly Json[] | Members | Raw

export interface Members {
  readonly members: readonly Member[]
}

export type Member = readonly [name: string, value: Json]

/** Text that stands as it is, JSON or not. */
export interface Raw {
  readonly raw: string
}

/** A change of one value in a tree. `twice`: its member comes once more, with another value. */
export type Change =
  | { readonly how: 'replace'; readonly value: Json }
  | { readonly how: 'remove' }
  | { readonly how: 'add'; readonly name: string; readonly value: Json }
  | { readonly how: 'twice'; readonly value: Json }
  | { readonly how: 'wrap' }

export function object(...members: readonly Member[]): Members {
  return { members }
}

export function isObject(value: Json): value is Members {
  return typeof value === 'object' && value !== null && 'members' in value
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** The text of a value. */
export function write(value: Json): string {
  if (isObject(value)) {
    return `{${value.members.map(([name, inner]) => `${JSON.stringify(name)}:${write(inner)}`).join(',')}}`
  }
  if (isList(value)) return `[${value.map(write).join(',')}]`
  if (typeof value === 'object' && value !== null) return value.raw
  return JSON.stringify(value)
}

/** A tree with one of its values changed: the `place`-th from its root, counted round and round. */
export function changed(tree: Json, place: number, change: Change): Json {
  let left = place % count(tree)
  const walk = (value: Json): Json | undefined => {
    if (left-- === 0) return applied(value, change)
    if (isList(value)) return value.flatMap((item) => walk(item) ?? [])
    if (!isObject(value)) return value
    return {
      members: value.members.flatMap(([name, inner]): Member[] => {
        const isPlace = left === 0
        const kept = walk(inner)
        if (kept === undefined) return []
        return isPlace && change.how === 'twice'
          ? [
              [name, inner],
              [name, change.value],
            ]
          : [[name, kept]]
      }),
    }
  }
  return walk(tree) ?? object()
}

function count(value: Json): number {
  if (isList(value)) return value.reduce<number>((sum, item) => sum + count(item), 1)
  return isObject(value) ? value.members.reduce((sum, [, inner]) => sum + count(inner), 1) : 1
}

function applied(value: Json, change: Change): Json | undefined {
  switch (change.how) {
    case 'replace':
      return change.value
    case 'remove':
      return undefined
    case 'wrap':
      return [value]
    case 'twice':
      return value
    case 'add':
      return isObject(value) ? object(...value.members, [change.name, change.value]) : value
  }
}

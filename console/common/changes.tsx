/** What an act changed: before and after, field by field. */
import { many } from './words.ts'

type State = Readonly<Record<string, unknown>> | null

/** More fields, and longer values, are shown only when they are asked for. */
const FEW = 4
const SHORT = 100

export function Changes(shown: { readonly before: State; readonly after: State }) {
  const [before, after] = [flat(shown.before), flat(shown.after)]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = names.filter((name) => said(before[name]) !== said(after[name]))
  if (changed.length === 0) return <span className="subtle">Nothing that is kept</span>
  const list = (
    <dl className="changes">
      {changed.map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {before[name] === undefined ? null : <del>{said(before[name])}</del>}{' '}
            {after[name] === undefined ? null : <ins>{said(after[name])}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  )
  const short = [before, after].every((state) => changed.every((name) => said(state[name]).length <= SHORT))
  if (changed.length <= FEW && short) return list
  return (
    <details>
      <summary>{many(changed.length, 'field')}</summary>
      {list}
    </details>
  )
}

/** With the fields of fields beside them: `concurrent_sessions.limit`. */
function flat(state: State, prefix = ''): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(state ?? {}).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(flat(value as State, `${prefix}${name}.`))
        : [[`${prefix}${name}`, value]],
    ),
  )
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

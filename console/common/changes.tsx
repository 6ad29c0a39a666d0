/** What an act changed: before and after, field by field. */
type State = Readonly<Record<string, unknown>> | null

export function Changes({ before, after }: { readonly before: State; readonly after: State }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const changed = names.filter((name) => said(before?.[name]) !== said(after?.[name]))
  if (changed.length === 0) return <span className="subtle">Nothing that is kept</span>
  return (
    <dl className="changes">
      {changed.map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {before?.[name] === undefined ? null : <del>{said(before[name])}</del>}{' '}
            {after?.[name] === undefined ? null : <ins>{said(after[name])}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

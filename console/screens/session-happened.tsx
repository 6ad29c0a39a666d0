/** What happened to a session, as sentences. */
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { bodyOf, listSessionConfigVersions, type TimelineEntry } from '../api.ts'
import { Instant, spanInWords } from '../common/instant.tsx'
import { layerName } from '../common/policy.tsx'
import { useStorePath } from '../common/store.ts'
import { CREDENTIALS, clientName } from '../common/words.ts'

const RULES: Readonly<Record<string, string>> = {
  overall_timeout: 'the overall timeout',
  inactivity_timeout: 'the inactivity timeout',
  concurrent_sessions: 'the limit of sessions at once',
}

export function Happened({ entry, storeId }: { readonly entry: TimelineEntry; readonly storeId: string }) {
  if (entry.event === 'ended') {
    const { decision } = entry
    return (
      <>
        <strong>Ended.</strong> {entry.sentence}
        {decision === null ? null : (
          <p>
            By {RULES[decision.rule] ?? decision.rule} of{' '}
            {decision.rule === 'concurrent_sessions' ? decision.value : spanInWords(decision.value)}, which{' '}
            {layerName(decision.from)} says
            {decision.version === null ? '' : ` (version ${decision.version}`}
            {decision.version !== null && decision.from === 'config' ? <Changed version={decision.version} /> : null}
            {decision.version === null ? '' : ')'}.
          </p>
        )}
        <p className="subtle mono">
          {[entry.by, entry.request_id === null ? null : `request ${entry.request_id}`]
            .filter((part) => part !== null)
            .join(' · ')}
        </p>
      </>
    )
  }
  if (entry.event === 'client_changed') {
    return (
      <>
        <strong>Used from</strong> {clientName(entry)}, <span className="mono">{entry.address}</span>
      </>
    )
  }
  const before = entry.replaces_session_id ?? entry.opened_from_session_id
  return (
    <>
      <strong>Opened</strong> by {(CREDENTIALS[entry.credentials_type] ?? entry.credentials_type).toLowerCase()} on{' '}
      {clientName(entry)}, <span className="mono">{entry.address}</span>
      {entry.new_device === true ? ', not seen in 90 days' : ''}.
      {before === null ? null : (
        <p>
          {entry.replaces_session_id === null ? 'It was opened from ' : 'It replaced '}
          <Link className="link" href={`/stores/${storeId}/sessions/${before}`}>
            another session
          </Link>
          .
        </p>
      )}
      {entry.by === null ? null : <p className="subtle mono">{entry.by}</p>}
    </>
  )
}

/** When a version of the store's config was made, and by whom, as soon as that is known. */
function Changed({ version }: { readonly version: number }) {
  const path = useStorePath()
  const versions = useQuery({
    queryKey: ['config-version', path, version],
    queryFn: ({ signal }) =>
      bodyOf(listSessionConfigVersions({ path, query: { limit: 1, cursor: version + 1 }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const found = versions.data?.versions.find((one) => one.version === version)
  if (found === undefined) return null
  return (
    <>
      , changed <Instant at={found.changed_at} />
      {found.changed_by === null ? '' : ` by ${found.changed_by}`}
    </>
  )
}

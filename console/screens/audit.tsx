/** What was done in a store: by whom, when, what changed; to be taken along line by line. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type AuditEvent, bodyOf, listAuditEvents } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { AuditList } from '../common/audit-list.tsx'
import { csvLine } from '../common/csv.ts'
import { Filters, filtersOf } from '../common/filters.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { exportOf } from '../http.ts'
import { Button, Empty } from '../ui.ts'

const FILTERS = [
  { name: 'actor', label: 'Who', placeholder: 'credential:…' },
  { name: 'action', label: 'What', placeholder: 'user.updated' },
  { name: 'subject', label: 'On whom', placeholder: 'user:jo' },
  { name: 'after', label: 'From', type: 'datetime-local' as const },
  { name: 'before', label: 'Before', type: 'datetime-local' as const },
]

export function Audit() {
  const path = useStorePath()
  const url = useUrlState()
  const act = useAct()
  const filter = filtersOf(url, FILTERS)
  const page = { ...filter, cursor: url.values.get('cursor') ?? undefined }
  const events = useQuery({
    queryKey: ['audit', path, page],
    queryFn: ({ signal }) => bodyOf(listAuditEvents({ path, query: page, signal })),
    placeholderData: keepPreviousData,
  })
  /** All that match, as the service exports them; or as lines with commas between. */
  async function take(type: 'ndjson' | 'csv') {
    const from = `/operator/identity-stores/${encodeURIComponent(path.identity_store_id)}/audit-events`
    const lines = await exportOf(`${from}?${new URLSearchParams(filter)}`, 'application/x-ndjson')
    const name = `audit-${path.identity_store_id}.${type}`
    save(name, type === 'csv' ? new Blob([csvOf(await lines.text())], { type: 'text/csv' }) : lines)
    return `${name} has all events that match.`
  }
  return (
    <Screen
      title="Audit"
      about="Exact: every act of an administrator, newest first."
      acts={
        <>
          <Button loading={act.isPending} onClick={() => act.run(() => take('csv'))}>
            Export as CSV
          </Button>
          <Button loading={act.isPending} onClick={() => act.run(() => take('ndjson'))}>
            Export as NDJSON
          </Button>
        </>
      }
    >
      <Filters url={url} filters={FILTERS} />
      <Outcome act={act} />
      <Found query={events}>
        {({ audit_events: rows, next_cursor: next }) => (
          <>
            {rows.length > 0 ? (
              <AuditList events={rows} />
            ) : (
              <Empty
                title={next === null ? 'No event' : 'Nothing on this page'}
                description={
                  next !== null
                    ? 'None of those that were looked at matches. The next page looks further.'
                    : Object.keys(filter).length > 0
                      ? 'None matches. Clear the filters to see all.'
                      : 'Nobody has changed anything in this store yet.'
                }
              />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
    </Screen>
  )
}

const FIELDS = ['at', 'actor', 'action', 'subject', 'before', 'after', 'request_id', 'event_id'] as const

function csvOf(lines: string): string {
  const events: AuditEvent[] = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  const text = (value: unknown) => (typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value))
  return [csvLine(FIELDS), ...events.map((event) => csvLine(FIELDS.map((field) => text(event[field]))))].join('')
}

function save(name: string, contents: Blob) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(contents)
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

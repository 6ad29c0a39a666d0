/** What was done in a store: by whom, when, what changed; to be taken along line by line. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { bodyOf, listAuditEvents } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { AuditList } from '../common/audit-list.tsx'
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
  async function take() {
    const from = `/operator/identity-stores/${encodeURIComponent(path.identity_store_id)}/audit-events`
    const lines = await exportOf(`${from}?${new URLSearchParams(filter)}`, 'application/x-ndjson')
    const link = document.createElement('a')
    link.href = URL.createObjectURL(lines)
    link.download = `audit-${path.identity_store_id}.ndjson`
    link.click()
    URL.revokeObjectURL(link.href)
    return `${link.download} has all events that match.`
  }
  return (
    <Screen
      title="Audit"
      about="Every act of an administrator, newest first."
      acts={
        <Button loading={act.isPending} onClick={() => act.run(take)}>
          Export as NDJSON
        </Button>
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

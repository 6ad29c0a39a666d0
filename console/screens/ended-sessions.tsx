/** The ended sessions of a store, each with its reason. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { bodyOf, listStoreSessions } from '../api.ts'
import { Filters, filtersOf } from '../common/filters.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { ended, idOfSession, nameOfSession, SESSION_FILTERS } from '../common/session-columns.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { useUserSummaries } from '../common/user-names.ts'
import { END_REASONS, many } from '../common/words.ts'
import { Empty } from '../ui.ts'

const FILTERS = [{ name: 'end_reason', label: 'Reason', options: END_REASONS }, ...SESSION_FILTERS]

export function EndedSessions() {
  const path = useStorePath()
  const url = useUrlState()
  const page = { ...filtersOf(url, FILTERS), cursor: url.values.get('cursor') ?? undefined }
  const sessions = useQuery({
    queryKey: ['ended-sessions', path, page],
    queryFn: ({ signal }) => bodyOf(listStoreSessions({ path, query: { state: 'ended', ...page }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  })
  const { known: names } = useUserSummaries(sessions.data?.sessions.map(({ user_id: id }) => id) ?? [])
  return (
    <Screen
      title="Ended sessions"
      about={`Mirror, newest first${sessions.data === undefined ? '' : `; kept for ${many(sessions.data.kept_days, 'day')}`}.`}
    >
      <Filters url={url} filters={FILTERS} />
      <Found query={sessions}>
        {({ sessions: rows, next_cursor: next, scanned }) => (
          <>
            {rows.length > 0 ? (
              <List
                label="Ended sessions"
                rows={rows}
                idOf={idOfSession}
                nameOf={nameOfSession}
                columns={ended(names)}
              />
            ) : (
              <Empty
                title={next === null ? 'No ended session' : 'Nothing on this page'}
                description={
                  next === null
                    ? Object.keys(page).length > 1
                      ? 'None matches. Clear the filters to see all.'
                      : 'None has ended; those that do stay here, each with its reason.'
                    : `None of the ${scanned} sessions that were looked at matches. The next page looks further.`
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

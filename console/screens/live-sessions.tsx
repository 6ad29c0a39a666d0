/** The live sessions of a store: found by filters, ended one by one, by selection, or all that match. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type AdministeredSession, bodyOf, countStoreSessions, endStoreSessions, listStoreSessions } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { endColumn, useEnding } from '../common/end.tsx'
import { Filters, filtersOf } from '../common/filters.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useSelection } from '../common/selection.ts'
import { idOfSession, live, nameOfSession, SESSION_FILTERS } from '../common/session-columns.tsx'
import { useSettled } from '../common/settled.ts'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { useUserSummaries } from '../common/user-names.ts'
import { many } from '../common/words.ts'
import { useMay, whoAmI } from '../session.ts'
import { Button, Empty } from '../ui.ts'

const YOUR_OWN = ' One is your own: you will be signed out.'
const YOUR_OWN_TOO = ' If your own is among them, you will be signed out.'

export function LiveSessions() {
  const path = useStorePath()
  const url = useUrlState()
  const may = useMay()
  const me = useQuery(whoAmI)
  const act = useAct()
  const ending = useEnding(act)
  const selection = useSelection(idOfSession)
  const [asked, setAsked] = useState<'selected' | 'all' | null>(null)
  const filter = filtersOf(url, SESSION_FILTERS)
  const filtered = Object.keys(filter).length > 0
  const page = { ...filter, cursor: url.values.get('cursor') ?? undefined }
  const refetchInterval = selection.chosen.length === 0 ? 5_000 : (false as const)

  const sessions = useQuery({
    queryKey: ['sessions', path, page],
    queryFn: ({ signal }) => bodyOf(listStoreSessions({ path, query: { state: 'live', ...page }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval,
  })
  const count = useQuery({
    queryKey: ['session-count', path, filter],
    queryFn: ({ signal }) => bodyOf(countStoreSessions({ path, query: { state: 'live', ...filter }, signal })),
    refetchInterval,
  })
  const all = useQuery({
    queryKey: ['session-count', path, {}],
    queryFn: ({ signal }) => bodyOf(countStoreSessions({ path, query: { state: 'live' }, signal })),
    enabled: filtered && sessions.data?.sessions.length === 0,
  })
  const view = sessions.isPlaceholderData ? 'old' : JSON.stringify([path, page])
  const settled = useSettled(sessions.data?.sessions, idOfSession, view)
  const { known: names } = useUserSummaries(settled.rows.map(({ user_id: id }) => id))
  const chosen = selection.chosen.length
  // An administrator of the store has a session of its own among these.
  const isOfUser = me.data !== undefined && me.data.user_id !== null

  function endSelected() {
    act.run(async () => {
      await endStoreSessions({ path, body: { session_ids: selection.chosen.map(idOfSession) } })
      selection.clear()
      return `${many(chosen, 'session')} are being ended; the jobs screen shows how far.`
    })
  }
  function endAll(expected: number) {
    act.run(async () => {
      await endStoreSessions({ path, body: { filter, expected } })
      return `${many(expected, 'session')} are being ended; the jobs screen shows how far.`
    })
  }

  return (
    <Screen
      title="Live sessions"
      about={
        sessions.data === undefined
          ? undefined
          : `Mirror, at most ${many(sessions.data.may_be_behind_seconds, 'second')} old; the page of a user is exact.`
      }
      acts={
        may('operator:sessions') && count.data !== undefined && count.data.count > 0 ? (
          <>
            {chosen === 0 ? null : (
              <>
                <Button variant="ghost" onClick={selection.clear}>
                  Select none
                </Button>
                <Button onClick={() => setAsked('selected')}>End {chosen} selected</Button>
              </>
            )}
            <Button onClick={() => setAsked('all')} disabled={!count.data.exact}>
              {count.data.exact
                ? `End all ${count.data.count}${filtered ? ' that match' : ''}`
                : 'Too many to end at once'}
            </Button>
          </>
        ) : undefined
      }
    >
      <Filters url={url} filters={SESSION_FILTERS} />
      <Outcome act={act} />
      <p aria-live="polite" className="count">
        {count.data === undefined
          ? null
          : `${many(count.data.count, 'session')}${count.data.exact ? '' : ' or more'} ${filtered ? 'that match' : 'live'}.`}{' '}
        {settled.fresh > 0 ? (
          <Button size="sm" onClick={settled.showAll}>
            {settled.fresh} new
          </Button>
        ) : null}
      </p>
      <Found query={sessions}>
        {({ next_cursor: next, scanned }) => (
          <>
            {settled.rows.length > 0 ? (
              <List<AdministeredSession>
                label="Live sessions"
                rows={settled.rows}
                idOf={idOfSession}
                nameOf={nameOfSession}
                selection={selection}
                faded={ending.goes}
                columns={[...live(names), endColumn(ending, may('operator:sessions'))]}
              />
            ) : (
              <Nothing filtered={filtered} more={next !== null} scanned={scanned} of={all.data} />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
      <Confirmation
        title={`End ${many(chosen, 'selected session')}?`}
        act={`End ${many(chosen, 'session')}`}
        open={asked === 'selected'}
        onClose={() => setAsked(null)}
        onConfirm={endSelected}
      >
        <p>
          Also those selected on other pages. Their users have to sign in again. An end cannot be taken back.
          {selection.chosen.some(({ session_id: id }) => id === me.data?.session_id) ? YOUR_OWN : ''}
        </p>
      </Confirmation>
      <Confirmation
        title={`End all ${many(count.data?.count ?? 0, 'session')}${filtered ? ' that match' : ' of this store'}?`}
        act={`End ${many(count.data?.count ?? 0, 'session')}`}
        {...(filtered ? {} : { typed: path.identity_store_id })}
        open={asked === 'all'}
        onClose={() => setAsked(null)}
        onConfirm={() => endAll(count.data?.count ?? 0)}
      >
        <p>
          {filtered
            ? 'Those that the filters of this list show, on all pages.'
            : 'Everybody who is signed in to this store has to sign in again.'}{' '}
          It is refused if over 10 % more fit by then. An end cannot be taken back.
          {isOfUser ? YOUR_OWN_TOO : ''}
        </p>
      </Confirmation>
    </Screen>
  )
}

/** Why a list of sessions is empty. */
function Nothing({
  filtered,
  more,
  scanned,
  of,
}: {
  readonly filtered: boolean
  readonly more: boolean
  readonly scanned: number
  /** How many there are without the filters, once that is known. */
  readonly of: { readonly count: number; readonly exact: boolean } | undefined
}) {
  if (more) {
    return (
      <Empty
        title="Nothing on this page"
        description={`None of the ${scanned} sessions that were looked at matches. The next page looks further.`}
      />
    )
  }
  return filtered ? (
    <Empty
      title="No session matches"
      description={
        of === undefined
          ? 'Clear the filters to see all.'
          : `${many(of.count, 'session')}${of.exact ? '' : ' or more'} without the filters.`
      }
    />
  ) : (
    <Empty title="Nobody is signed in" description="Sessions show here moments after they are opened." />
  )
}

/** The users of a store: found by how their name begins, imported, ended, disabled and given settings by many at once. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { bodyOf, listUsers, type User, type UserSummary } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Results, useEach } from '../common/each.tsx'
import { Filters, filtersOf } from '../common/filters.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useSelection } from '../common/selection.ts'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { useUserSummaries } from '../common/user-names.ts'
import { ROLES } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Badge, Button, Empty } from '../ui.ts'
import { ImportUsers } from './import-users.tsx'
import { UsersActs } from './users-acts.tsx'

const FILTERS = [
  { name: 'username', label: 'User name begins with', placeholder: 'jo' },
  { name: 'active', label: 'Status', options: { true: 'Active', false: 'Disabled' } },
  { name: 'role', label: 'Role', options: ROLES },
  { name: 'group_id', label: 'Group id' },
]

export function Users() {
  const path = useStorePath()
  const url = useUrlState()
  const may = useMay()
  const act = useAct()
  const selection = useSelection((user: User) => user.user_id)
  const each = useEach(act)
  const [importing, setImporting] = useState(false)
  const filter = filtersOf(url, FILTERS)
  const page = { ...filter, cursor: url.values.get('cursor') ?? undefined }
  const users = useQuery({
    queryKey: ['users', path, page],
    queryFn: ({ signal }) => bodyOf(listUsers({ path, query: page, signal })),
    placeholderData: keepPreviousData,
  })
  const { known, asking } = useUserSummaries(users.data?.users.map(({ user_id: id }) => id) ?? [], 10_000)
  /** Until it is known, nothing is said. */
  const ofUser = (userId: string, say: (summary: UserSummary) => ReactNode) => {
    const summary = known.get(userId)
    if (summary !== undefined) return say(summary)
    return asking ? <div className="awaited" /> : <span className="subtle">Not known</span>
  }
  return (
    <Screen
      title="Users"
      about="Exact; how they are signed in is the mirror, seconds old."
      acts={
        selection.chosen.length > 0 ? (
          <UsersActs selection={selection} each={each} />
        ) : may('operator:stores') ? (
          <Button onClick={() => setImporting(true)}>Import users</Button>
        ) : undefined
      }
    >
      <Filters url={url} filters={FILTERS} />
      <Outcome act={act} />
      <Results each={each} />
      <Found query={users}>
        {({ users: rows, next_cursor: next }) => (
          <>
            {rows.length > 0 ? (
              <List
                label="Users"
                rows={rows}
                idOf={(user) => user.user_id}
                nameOf={(user) => user.username}
                selection={selection}
                columns={[
                  {
                    name: 'User',
                    cell: (user) => (
                      <>
                        <Link className="link" href={`/stores/${path.identity_store_id}/users/${user.user_id}`}>
                          {user.username}
                        </Link>
                        <div className="subtle mono">{user.user_id}</div>
                      </>
                    ),
                  },
                  {
                    name: 'Status',
                    cell: (user) =>
                      user.active ? <Badge variant="success">Active</Badge> : <Badge variant="error">Disabled</Badge>,
                  },
                  { name: 'Role', cell: (user) => ROLES[user.role] ?? user.role },
                  { name: 'Group', cell: (user) => user.group_id ?? <span className="subtle">None</span> },
                  {
                    name: 'Live sessions',
                    cell: ({ user_id: userId }) =>
                      ofUser(userId, ({ live_sessions: { count, exact } }) =>
                        count === 0 ? (
                          <span className="subtle">None</span>
                        ) : (
                          <Link className="link" href={`/stores/${path.identity_store_id}/sessions?user_id=${userId}`}>
                            {`${count}${exact ? '' : ' or more'}`}
                          </Link>
                        ),
                      ),
                  },
                  {
                    name: 'Last sign-in',
                    cell: ({ user_id: userId }) => ofUser(userId, ({ last_opened_at: at }) => <Instant at={at} />),
                  },
                ]}
              />
            ) : (
              <Empty
                title={Object.keys(filter).length > 0 ? 'No user matches' : 'This store has no users'}
                description={
                  Object.keys(filter).length > 0
                    ? next === null
                      ? 'Clear the filters to see all.'
                      : 'None of those that were looked at; the next page looks further.'
                    : 'Import them, or make them by PUT …/users/{user_id}.'
                }
              />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
      {importing ? (
        <ImportUsers
          storeId={path.identity_store_id}
          onClose={() => setImporting(false)}
          onImport={(doing) =>
            act.run(async () => {
              each.show(await doing())
              return null
            })
          }
        />
      ) : null}
    </Screen>
  )
}

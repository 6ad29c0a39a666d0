/** The users of a store: found by how their name begins, ended, disabled and given settings by many at once. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { bodyOf, endUserSessions, listUsers, patchUser, type User } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Filters, filtersOf } from '../common/filters.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useSelection } from '../common/selection.ts'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { many, ROLES } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Badge, Banner, Button, Empty } from '../ui.ts'

const FILTERS = [
  { name: 'username', label: 'User name begins with', placeholder: 'jo' },
  { name: 'active', label: 'Status', options: { true: 'Active', false: 'Disabled' } },
  { name: 'role', label: 'Role', options: ROLES },
  { name: 'group_id', label: 'Group id' },
]

interface Result {
  readonly userId: string
  readonly said: string
  readonly failed: boolean
}

export function Users() {
  const path = useStorePath()
  const url = useUrlState()
  const may = useMay()
  const act = useAct()
  const selection = useSelection((user: User) => user.user_id)
  const [asked, setAsked] = useState<'end' | 'disable' | null>(null)
  const [results, setResults] = useState<readonly Result[]>([])
  const filter = filtersOf(url, FILTERS)
  const page = { ...filter, cursor: url.values.get('cursor') ?? undefined }
  const users = useQuery({
    queryKey: ['users', path, page],
    queryFn: ({ signal }) => bodyOf(listUsers({ path, query: page, signal })),
    placeholderData: keepPreviousData,
  })
  const chosen = selection.chosen.length

  /** One by one: each user says what became of it. */
  function forEach(doing: (userId: string) => Promise<string>) {
    act.run(async () => {
      const all: Result[] = []
      for (const { user_id: userId } of selection.chosen) {
        try {
          all.push({ userId, said: await doing(userId), failed: false })
        } catch (error) {
          all.push({ userId, said: error instanceof Error ? error.message : String(error), failed: true })
        }
      }
      setResults(all)
      selection.clear()
      return null
    })
  }
  async function end(userId: string) {
    const { ended } = await bodyOf(endUserSessions({ path: { ...path, user_id: userId }, body: { all: true } }))
    return `${many(ended.length, 'session')} ended`
  }
  async function disable(userId: string) {
    await patchUser({ path: { ...path, user_id: userId }, body: { active: false } })
    return 'disabled'
  }
  return (
    <Screen
      title="Users"
      acts={
        chosen === 0 ? undefined : (
          <>
            <Button variant="ghost" onClick={selection.clear}>
              Select none
            </Button>
            {may('operator:sessions') ? (
              <Button onClick={() => setAsked('end')}>End sessions of {chosen}</Button>
            ) : null}
            {may('operator:stores') ? <Button onClick={() => setAsked('disable')}>Disable {chosen}</Button> : null}
          </>
        )
      }
    >
      <Filters url={url} filters={FILTERS} />
      <Outcome act={act} />
      {results.length === 0 ? null : (
        <Banner
          variant={results.some(({ failed }) => failed) ? 'alert' : 'default'}
          title="What became of each"
          description={
            <ul>
              {results.map(({ userId, said }) => (
                <li key={userId}>
                  {userId}: {said}
                </li>
              ))}
            </ul>
          }
          action={<Button onClick={() => setResults([])}>Close</Button>}
        />
      )}
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
                  { name: 'Changed', cell: (user) => <Instant at={user.updated_at} /> },
                  {
                    name: 'Sessions',
                    cell: (user) => (
                      <Link
                        className="link"
                        href={`/stores/${path.identity_store_id}/sessions?user_id=${user.user_id}`}
                      >
                        Live sessions
                      </Link>
                    ),
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
                    : 'Users are made by PUT …/users/{user_id}, or many at once by POST …/users.'
                }
              />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
      <Confirmation
        title={`End all sessions of ${many(chosen, 'user')}?`}
        act={`End the sessions of ${many(chosen, 'user')}`}
        open={asked === 'end'}
        onClose={() => setAsked(null)}
        onConfirm={() => forEach(end)}
      >
        <p>They have to sign in again everywhere. An end cannot be taken back.</p>
      </Confirmation>
      <Confirmation
        title={`Disable ${many(chosen, 'user')}?`}
        act={`Disable ${many(chosen, 'user')}`}
        open={asked === 'disable'}
        onClose={() => setAsked(null)}
        onConfirm={() => forEach(disable)}
      >
        <p>All their sessions end, and none can be opened until they are enabled again.</p>
      </Confirmation>
    </Screen>
  )
}

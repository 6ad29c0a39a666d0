/** Who is locked out after too many wrong passwords, from where, and for how long yet. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { bodyOf, deleteLockout, listLockouts } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Countdown, Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { useMay } from '../session.ts'
import { Button, Empty } from '../ui.ts'

export function Lockouts() {
  const path = useStorePath()
  const may = useMay()
  const act = useAct()
  const cursor = useUrlState().values.get('cursor') ?? undefined
  const lockouts = useQuery({
    queryKey: ['lockouts', path, cursor],
    queryFn: ({ signal }) => bodyOf(listLockouts({ path, query: { cursor }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  })
  return (
    <Screen title="Lockouts" about="Exact. A lockout holds for one address; elsewhere the user may sign in.">
      <Outcome act={act} />
      <Found query={lockouts}>
        {({ lockouts: rows, next_cursor: next }) => (
          <>
            {rows.length > 0 ? (
              <List
                label="Lockouts"
                rows={rows}
                idOf={({ lockout_id: id }) => id}
                nameOf={({ username }) => username}
                columns={[
                  {
                    name: 'User',
                    cell: (row) => (
                      <Link className="link" href={`/stores/${path.identity_store_id}/users/${row.user_id}`}>
                        {row.username}
                      </Link>
                    ),
                  },
                  { name: 'Address', cell: ({ address }) => <span className="mono">{address}</span> },
                  { name: 'Wrong passwords', cell: (row) => row.wrong_passwords },
                  { name: 'Since', cell: (row) => <Instant at={row.locked_at} /> },
                  { name: 'Over in', cell: (row) => <Countdown until={row.locked_until} /> },
                  {
                    name: '',
                    cell: (row) =>
                      may('operator:sessions') ? (
                        <Button
                          size="sm"
                          aria-label={`Unlock ${row.username} for ${row.address}`}
                          onClick={() =>
                            act.run(async () => {
                              await deleteLockout({ path: { ...path, lockout_id: row.lockout_id } })
                              return `${row.username} may try again at once.`
                            })
                          }
                        >
                          Unlock
                        </Button>
                      ) : null,
                  },
                ]}
              />
            ) : (
              <Empty title="Nobody is locked out" description="Who types a wrong password too often shows here." />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
    </Screen>
  )
}

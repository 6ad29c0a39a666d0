/** The identity stores: made, changed, and deleted when nobody is in them. */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link } from 'wouter'
import {
  bodyOf,
  deleteIdentityStore,
  type IdentityStore,
  listIdentityStores,
  patchIdentityStore,
  putIdentityStore,
} from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useUrlState } from '../common/url-state.ts'
import { useMay } from '../session.ts'
import { Badge, Button, Dialog, Empty, Input, Select } from '../ui.ts'

const LOGIN_MODES: Readonly<Record<IdentityStore['default_login_mode'], string>> = {
  LOCAL_LOGIN_SHARED: 'Here, shared (LOCAL_LOGIN_SHARED)',
  LOCAL_LOGIN_DEDICATED: 'Here, dedicated (LOCAL_LOGIN_DEDICATED)',
  SERVER_LOGIN: 'At the application server (SERVER_LOGIN)',
  SSO_LOGIN_DEDICATED: 'At an OpenID provider (SSO_LOGIN_DEDICATED)',
  DJANGO_ONLY: 'DJANGO_ONLY',
}
const STATES: Readonly<Record<IdentityStore['state'], string>> = {
  active: 'Active',
  migrating: 'Migrating',
  without_plan: 'Without a plan',
}

export function Stores() {
  const may = useMay()
  const act = useAct()
  const cursor = useUrlState().values.get('cursor') ?? undefined
  const [edited, setEdited] = useState<IdentityStore | 'new' | null>(null)
  const [deleted, setDeleted] = useState<IdentityStore | null>(null)
  const stores = useQuery({
    queryKey: ['stores', 'list', cursor],
    queryFn: ({ signal }) => bodyOf(listIdentityStores({ query: { cursor, counts: 'true' }, signal })),
  })
  return (
    <Screen
      title="Stores"
      about="Exact; live sessions are counted moments after they change."
      acts={
        may('operator:stores') ? (
          <Button variant="primary" onClick={() => setEdited('new')}>
            New store
          </Button>
        ) : undefined
      }
    >
      <Outcome act={act} />
      <Found query={stores}>
        {({ identity_stores: rows, next_cursor: next }) => (
          <>
            {rows.length > 0 ? (
              <List
                label="Identity stores"
                rows={rows}
                idOf={(store) => store.identity_store_id}
                nameOf={(store) => store.name}
                columns={[
                  {
                    name: 'Store',
                    cell: (store) => (
                      <>
                        <Link className="link" href={`/stores/${store.identity_store_id}/overview`}>
                          {store.name}
                        </Link>
                        <div className="subtle mono">{store.identity_store_id}</div>
                      </>
                    ),
                  },
                  {
                    name: 'State',
                    cell: ({ state }) => (
                      <Badge variant={state === 'active' ? 'success' : 'neutral'}>{STATES[state]}</Badge>
                    ),
                  },
                  { name: 'Users', cell: ({ users }) => (users === undefined ? null : countOf(users)) },
                  { name: 'Live sessions', cell: ({ live_sessions: live }) => live?.toLocaleString('en') },
                  { name: 'Login mode', cell: (store) => <span className="mono">{store.default_login_mode}</span> },
                  { name: 'Changed', cell: (store) => <Instant at={store.updated_at} /> },
                  {
                    name: '',
                    cell: (store) =>
                      may('operator:stores') ? (
                        <span className="flags">
                          <Button size="sm" aria-label={`Edit ${store.name}`} onClick={() => setEdited(store)}>
                            Edit
                          </Button>
                          <Button size="sm" aria-label={`Delete ${store.name}`} onClick={() => setDeleted(store)}>
                            Delete
                          </Button>
                        </span>
                      ) : null,
                  },
                ]}
              />
            ) : (
              <Empty title="There is no identity store yet" description="Make the first one." />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
      {edited === null ? null : (
        <Edit
          store={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
          onSave={(save) => act.run(save)}
        />
      )}
      <Confirmation
        title={`Delete ${deleted?.name}?`}
        act="Delete the store"
        typed={deleted?.identity_store_id ?? ''}
        open={deleted !== null}
        onClose={() => setDeleted(null)}
        onConfirm={() =>
          act.run(async () => {
            await deleteIdentityStore({ path: { identity_store_id: deleted?.identity_store_id ?? '' } })
            return `${deleted?.name} is deleted.`
          })
        }
      >
        <p>It is refused while the store has users. Its credentials go with it; its audit log stays.</p>
      </Confirmation>
    </Screen>
  )
}

function countOf({ count, exact }: { readonly count: number; readonly exact: boolean }): string {
  return `${count.toLocaleString('en')}${exact ? '' : '+'}`
}

function Edit({
  store,
  onClose,
  onSave,
}: {
  readonly store: IdentityStore | null
  readonly onClose: () => void
  readonly onSave: (save: () => Promise<string>) => void
}) {
  const [mode, setMode] = useState<string>(store?.default_login_mode ?? 'LOCAL_LOGIN_SHARED')
  const [state, setState] = useState<string>(store?.state ?? 'active')
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const body = {
      name: String(form.get('name')),
      state: state as IdentityStore['state'],
      default_login_mode: mode as IdentityStore['default_login_mode'],
    }
    const id = store?.identity_store_id ?? String(form.get('id')).trim()
    onSave(async () => {
      const path = { identity_store_id: id }
      if (store === null) await putIdentityStore({ path, body })
      else await patchIdentityStore({ path, body })
      return `${body.name} is saved.`
    })
    onClose()
  }
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>{store === null ? 'New store' : `Edit ${store.name}`}</Dialog.Title>
        <form onSubmit={submit} className="stack">
          {store === null ? (
            <Input
              name="id"
              label="Id"
              description="Letters, digits, dot, dash, underscore; it stays."
              required
              maxLength={64}
            />
          ) : null}
          <Input name="name" label="Name" required maxLength={100} defaultValue={store?.name ?? ''} />
          <Select
            label="How users sign in whose own settings say nothing"
            items={LOGIN_MODES}
            value={mode}
            onValueChange={(value) => setMode(String(value))}
          />
          <Select label="State" items={STATES} value={state} onValueChange={(value) => setState(String(value))} />
          <div className="acts">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" variant="primary">
              Save
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  )
}

/** Goes to a screen, a store, a user or a session by what is typed. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bodyOf, getStoreSession, type IdentityStore, listUserSummaries, listUsers } from '../api.ts'
import { nameOfSession } from '../common/session-columns.tsx'
import { CommandPalette } from '../ui-palette.ts'
import type { Place } from './places.ts'

interface Asked {
  readonly storeId: string | undefined
  readonly ofTheStore: readonly Place[]
  readonly ofTheService: readonly Place[]
  readonly stores: readonly IdentityStore[]
  readonly onGo: (path: string) => void
  readonly onClose: () => void
}

interface Target {
  readonly path: string
  readonly name: string
  readonly what: string
}

const FEW = 6
const USER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export default function Palette({ storeId, ofTheStore, ofTheService, stores, onGo, onClose }: Asked) {
  const [typed, setTyped] = useState('')
  const text = typed.trim().toLowerCase()
  const found = useQuery({
    queryKey: ['palette', storeId, typed.trim()],
    queryFn: ({ signal }) => lookUp(storeId ?? '', typed.trim(), signal),
    enabled: storeId !== undefined && text.length > 1,
    placeholderData: (before) => before,
  })
  const known: readonly Target[] = [
    ...ofTheStore.map(({ path, name }) => ({ path: `/stores/${storeId}/${path}`, name, what: 'Screen' })),
    ...ofTheService.map(({ path, name }) => ({ path, name, what: 'Screen' })),
    ...stores
      .filter(({ identity_store_id: id }) => id !== storeId)
      .map(({ identity_store_id: id, name }) => ({ path: `/stores/${id}/overview`, name, what: `Store ${id}` })),
  ]
  const named = known.filter(({ name, what }) => `${name} ${what}`.toLowerCase().includes(text))
  const targets = [...named, ...(text.length > 1 ? (found.data ?? []) : [])]
  function go(path: string) {
    onClose()
    onGo(path)
  }
  return (
    <CommandPalette.Root
      open
      onOpenChange={(open) => open || onClose()}
      items={targets}
      value={typed}
      onValueChange={setTyped}
      itemToStringValue={({ name }) => name}
      getSelectableItems={(items) => items}
      onSelect={({ path }) => go(path)}
      filter={() => true}
    >
      <CommandPalette.Input
        aria-label="Go to"
        placeholder={
          storeId === undefined ? 'A screen or a store' : 'A screen, a store, a user name, the id of a user or session'
        }
      />
      <CommandPalette.List className="targets">
        <CommandPalette.Results>
          {(target: Target) => (
            <CommandPalette.Item key={target.path} value={target} onClick={() => go(target.path)}>
              <span className="target">
                {target.name} <span className="subtle">{target.what}</span>
              </span>
            </CommandPalette.Item>
          )}
        </CommandPalette.Results>
        <CommandPalette.Empty>
          {found.isFetching ? 'Looking…' : 'Nothing is called so. User names are found by how they begin, ids whole.'}
        </CommandPalette.Empty>
      </CommandPalette.List>
      <CommandPalette.Footer>
        <span>↑ ↓ and Enter here. In lists: / to the search, j and k down and up, x selects, Enter opens.</span>
      </CommandPalette.Footer>
    </CommandPalette.Root>
  )
}

/** The users whose names begin so, and the user or session with this id. What is not there is not found; that is all. */
async function lookUp(storeId: string, typed: string, signal: AbortSignal): Promise<readonly Target[]> {
  const path = { identity_store_id: storeId }
  const of = `/stores/${storeId}`
  const userTarget = ({ user_id: id, username }: { user_id: string; username: string }): Target => ({
    path: `${of}/users/${id}`,
    name: username,
    what: `User ${id}`,
  })
  const all = await Promise.allSettled([
    bodyOf(listUsers({ path, query: { username: typed, limit: FEW }, signal })).then(({ users }) =>
      users.map(userTarget),
    ),
    USER_ID.test(typed)
      ? bodyOf(listUserSummaries({ path, query: { user_ids: typed }, signal })).then(({ users }) =>
          users.map(userTarget),
        )
      : [],
    SESSION_ID.test(typed)
      ? bodyOf(getStoreSession({ path: { ...path, session_id: typed }, signal })).then((session) => [
          { path: `${of}/sessions/${typed}`, name: nameOfSession(session), what: 'Session' },
        ])
      : [],
  ])
  const targets = all.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  return targets.filter(({ path: own }, index) => targets.findIndex((other) => other.path === own) === index)
}

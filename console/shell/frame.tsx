/** What stands round every screen: the store switcher first, the way to each screen, and who is signed in. */
import { MagnifyingGlassIcon } from '@phosphor-icons/react'
import { useQuery } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { bodyOf, listIdentityStores } from '../api.ts'
import { type Me, signOut } from '../session.ts'
import { Button, Select, Sidebar } from '../ui.ts'
import { placesFor } from './places.ts'

const Palette = lazy(() => import('./palette.tsx'))
const onMac = navigator.userAgent.includes('Mac')

export function Frame({ me, children }: { readonly me: Me; readonly children: ReactNode }) {
  const [location, go] = useLocation()
  const storeId = /^\/stores\/([^/]+)/.exec(location)?.[1]
  const stores = useQuery({
    queryKey: ['stores', 'all'],
    queryFn: async ({ signal }) =>
      (await bodyOf(listIdentityStores({ query: { limit: 1_000 }, signal }))).identity_stores,
  })
  const { ofTheStore, ofTheService } = placesFor(me, storeId)
  const [searching, setSearching] = useState(false)
  useShortcut('k', () => setSearching(true))
  const section = location.split('/')[3] ?? ''
  return (
    <Sidebar.Provider collapsible="offcanvas" defaultOpen className="frame">
      <Sidebar aria-label="Screens">
        <Sidebar.Header>
          <Select
            aria-label="Identity store"
            placeholder="Choose a store"
            value={storeId ?? null}
            onValueChange={(id) => go(`/stores/${String(id)}/${section === '' ? 'overview' : section}`)}
            items={(stores.data ?? []).map((store) => ({ value: store.identity_store_id, label: store.name }))}
          />
        </Sidebar.Header>
        <Sidebar.Content>
          {ofTheStore.length === 0 ? null : (
            <Sidebar.Group>
              <Sidebar.Menu>
                {ofTheStore.map(({ path, name, icon }) => (
                  <Sidebar.MenuButton
                    key={path}
                    icon={icon}
                    active={section === path}
                    href={`#/stores/${storeId}/${path}`}
                  >
                    {name}
                  </Sidebar.MenuButton>
                ))}
              </Sidebar.Menu>
            </Sidebar.Group>
          )}
          <Sidebar.Group>
            <Sidebar.Menu>
              {ofTheService.map(({ path, name, icon }) => (
                <Sidebar.MenuButton key={path} icon={icon} active={location === path} href={`#${path}`}>
                  {name}
                </Sidebar.MenuButton>
              ))}
            </Sidebar.Menu>
          </Sidebar.Group>
        </Sidebar.Content>
        <Sidebar.Footer>
          <p className="me" title={me.actor}>
            {me.name}
          </p>
          <Button size="sm" variant="ghost" onClick={() => void signOut(me).then(() => globalThis.location.reload())}>
            Sign out
          </Button>
        </Sidebar.Footer>
      </Sidebar>
      <div className="side">
        <div className="bar">
          <Sidebar.Trigger aria-label="Screens" />
          <Button
            size="sm"
            icon={MagnifyingGlassIcon}
            onClick={() => setSearching(true)}
            aria-keyshortcuts="Control+K Meta+K"
          >
            Go to… <kbd className="subtle">{onMac ? '⌘K' : 'Ctrl K'}</kbd>
          </Button>
        </div>
        <main className="screen">{children}</main>
      </div>
      {searching ? (
        <Suspense>
          <Palette
            storeId={storeId}
            ofTheStore={ofTheStore}
            ofTheService={ofTheService}
            stores={stores.data ?? []}
            onGo={(path) => go(path)}
            onClose={() => setSearching(false)}
          />
        </Suspense>
      ) : null}
    </Sidebar.Provider>
  )
}

/** Calls `act` when the key is pressed with Ctrl or ⌘, wherever one is. */
function useShortcut(key: string, act: () => void) {
  useEffect(() => {
    function pressed(event: KeyboardEvent) {
      if (event.key.toLowerCase() !== key || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [key, act])
}

/** What stands round every screen: the store switcher first, the way to each screen, and who is signed in. */
import {
  BriefcaseIcon,
  BuildingsIcon,
  ClockCounterClockwiseIcon,
  DevicesIcon,
  GaugeIcon,
  GlobeIcon,
  KeyIcon,
  LockIcon,
  ScrollIcon,
  SlidersIcon,
  UserGearIcon,
  UsersIcon,
} from '@phosphor-icons/react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useLocation } from 'wouter'
import { bodyOf, listIdentityStores } from '../api.ts'
import { type Me, type Scope, signOut } from '../session.ts'
import { Button, Select, Sidebar } from '../ui.ts'

interface Place {
  readonly path: string
  readonly name: string
  readonly icon: typeof GaugeIcon
  readonly needs: Scope
}

const OF_A_STORE: readonly Place[] = [
  { path: 'overview', name: 'Overview', icon: GaugeIcon, needs: 'operator:read' },
  { path: 'sessions', name: 'Live sessions', icon: DevicesIcon, needs: 'operator:read' },
  { path: 'ended', name: 'Ended sessions', icon: ClockCounterClockwiseIcon, needs: 'operator:read' },
  { path: 'users', name: 'Users', icon: UsersIcon, needs: 'operator:read' },
  { path: 'session-config', name: 'Session config', icon: SlidersIcon, needs: 'operator:read' },
  { path: 'map', name: 'Map', icon: GlobeIcon, needs: 'operator:read' },
  { path: 'lockouts', name: 'Lockouts', icon: LockIcon, needs: 'operator:read' },
  { path: 'jobs', name: 'Jobs', icon: BriefcaseIcon, needs: 'operator:read' },
  { path: 'audit', name: 'Audit', icon: ScrollIcon, needs: 'operator:read' },
  { path: 'credentials', name: 'Credentials', icon: KeyIcon, needs: 'operator:read' },
]
const OF_THE_SERVICE: readonly Place[] = [
  { path: '/stores', name: 'Stores', icon: BuildingsIcon, needs: 'operator:read' },
  { path: '/operators', name: 'Operators', icon: UserGearIcon, needs: 'operator:read' },
]

export function Frame({ me, children }: { readonly me: Me; readonly children: ReactNode }) {
  const [location, go] = useLocation()
  const storeId = /^\/stores\/([^/]+)/.exec(location)?.[1]
  const stores = useQuery({
    queryKey: ['stores', 'all'],
    queryFn: async ({ signal }) =>
      (await bodyOf(listIdentityStores({ query: { limit: 1_000 }, signal }))).identity_stores,
  })
  const may = ({ needs }: Place) => me.scopes.includes(needs)
  // Who is limited to stores is told nothing of the operators.
  const ofTheService = OF_THE_SERVICE.filter(({ path }) => path !== '/operators' || me.limited_store_ids === null)
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
          {storeId === undefined ? null : (
            <Sidebar.Group>
              <Sidebar.Menu>
                {OF_A_STORE.filter(may).map(({ path, name, icon }) => (
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
              {ofTheService.filter(may).map(({ path, name, icon }) => (
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
        </div>
        <main className="screen">{children}</main>
      </div>
    </Sidebar.Provider>
  )
}

/** The screens, as the sidebar and the palette name them. */
import {
  BellIcon,
  BriefcaseIcon,
  BuildingsIcon,
  ClockCounterClockwiseIcon,
  DevicesIcon,
  GaugeIcon,
  GlobeIcon,
  KeyIcon,
  LockIcon,
  PlugsConnectedIcon,
  ScrollIcon,
  SlidersIcon,
  UserGearIcon,
  UsersIcon,
} from '@phosphor-icons/react'
import type { Me, Scope } from '../session.ts'

export interface Place {
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
  { path: 'events', name: 'Events', icon: BellIcon, needs: 'operator:read' },
  { path: 'endpoints', name: 'Endpoints', icon: PlugsConnectedIcon, needs: 'operator:read' },
]
const OF_THE_SERVICE: readonly Place[] = [
  { path: '/stores', name: 'Stores', icon: BuildingsIcon, needs: 'operator:read' },
  { path: '/operators', name: 'Operators', icon: UserGearIcon, needs: 'operator:read' },
]

/** Those of the store of the address, if it has one, and those of the service, as far as somebody may see them. */
export function placesFor(me: Me, storeId: string | undefined) {
  const may = ({ needs }: Place) => me.scopes.includes(needs)
  return {
    ofTheStore: storeId === undefined ? [] : OF_A_STORE.filter(may),
    // Who is limited to stores is told nothing of the operators.
    ofTheService: OF_THE_SERVICE.filter(
      (place) => may(place) && (place.path !== '/operators' || me.limited_store_ids === null),
    ),
  }
}

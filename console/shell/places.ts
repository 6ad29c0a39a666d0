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
import type { Me } from '../session.ts'

export interface Place {
  readonly path: string
  readonly name: string
  readonly icon: typeof GaugeIcon
}

const OF_A_STORE: readonly Place[] = [
  { path: 'overview', name: 'Overview', icon: GaugeIcon },
  { path: 'sessions', name: 'Live sessions', icon: DevicesIcon },
  { path: 'ended', name: 'Ended sessions', icon: ClockCounterClockwiseIcon },
  { path: 'users', name: 'Users', icon: UsersIcon },
  { path: 'session-config', name: 'Session config', icon: SlidersIcon },
  { path: 'map', name: 'Map', icon: GlobeIcon },
  { path: 'lockouts', name: 'Lockouts', icon: LockIcon },
  { path: 'jobs', name: 'Jobs', icon: BriefcaseIcon },
  { path: 'audit', name: 'Audit', icon: ScrollIcon },
  { path: 'credentials', name: 'Credentials', icon: KeyIcon },
  { path: 'events', name: 'Events', icon: BellIcon },
  { path: 'endpoints', name: 'Endpoints', icon: PlugsConnectedIcon },
]
const OF_THE_SERVICE: readonly Place[] = [
  { path: '/stores', name: 'Stores', icon: BuildingsIcon },
  { path: '/operators', name: 'Operators', icon: UserGearIcon },
]

/** Those of the store of the address, if it has one, and those of the service, as far as somebody may see them. */
export function placesFor(me: Me, storeId: string | undefined) {
  if (!me.scopes.includes('operator:read')) return { ofTheStore: [], ofTheService: [] }
  return {
    ofTheStore: storeId === undefined ? [] : OF_A_STORE,
    // Who is limited to stores is told nothing of the operators.
    ofTheService: OF_THE_SERVICE.filter(({ path }) => path !== '/operators' || me.limited_store_ids === null),
  }
}

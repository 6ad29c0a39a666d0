/** Where the live sessions are: a globe, and the same as a list. */
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { Link, useLocation } from 'wouter'
import { type AdministeredSession, bodyOf, getSessionConfig, listStoreSessions } from '../api.ts'
import { List } from '../common/list.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { many } from '../common/words.ts'
import { Button, Empty, Loader } from '../ui.ts'

const Globe = lazy(() => import('../globe.tsx'))

/** So many sessions are looked at, the newest first. */
const LOOKED_AT = 1_000

export interface City {
  readonly name: string
  readonly country: string | null
  readonly latitude: number
  readonly longitude: number
  readonly sessions: number
}

export function SessionMap() {
  const path = useStorePath()
  const [, go] = useLocation()
  const config = useQuery({
    queryKey: ['session-config', path],
    queryFn: ({ signal }) => bodyOf(getSessionConfig({ path, signal })),
  })
  const sessions = useQuery({
    queryKey: ['map', path],
    queryFn: ({ signal }) => bodyOf(listStoreSessions({ path, query: { limit: LOOKED_AT }, signal })),
    refetchInterval: 30_000,
  })
  const to = (country: string | null) =>
    `/stores/${path.identity_store_id}/sessions${country === null ? '' : `?country=${country}`}`
  const off = config.data?.track_location === false
  return (
    <Screen title="Map" about={`Mirror: the newest ${LOOKED_AT.toLocaleString('en')} live sessions, by city.`}>
      <Found query={sessions}>
        {({ sessions: rows }) => {
          const cities = citiesOf(rows)
          if (cities.length === 0) {
            return off ? (
              <Empty
                title="Locations are off for this store"
                description="The session config says that the places of sessions are not kept."
                contents={
                  <Button onClick={() => go(`/stores/${path.identity_store_id}/session-config`)}>
                    To the session config
                  </Button>
                }
              />
            ) : (
              <Empty
                title="No session has a known place"
                description="Places are kept from now on; sessions that were opened before have none."
              />
            )
          }
          return (
            <div className="map">
              <Suspense fallback={<Loader />}>
                <Globe cities={cities} onCity={({ country }) => go(to(country))} />
              </Suspense>
              <List
                label="Cities"
                rows={cities}
                idOf={({ name, country }) => `${name},${country}`}
                nameOf={({ name }) => name}
                columns={[
                  {
                    name: 'City',
                    cell: ({ name, country }) => (
                      <Link className="link" href={to(country)}>
                        {[name, country].filter((part) => part !== null).join(', ')}
                      </Link>
                    ),
                  },
                  { name: 'Sessions', cell: (city) => many(city.sessions, 'session') },
                ]}
              />
            </div>
          )
        }}
      </Found>
    </Screen>
  )
}

function citiesOf(sessions: readonly AdministeredSession[]): readonly City[] {
  const cities = new Map<string, City>()
  for (const { location } of sessions) {
    if (location === null || location.latitude === null || location.longitude === null) continue
    const name = location.city ?? location.region ?? 'Elsewhere'
    const key = `${name},${location.country}`
    cities.set(key, {
      name,
      country: location.country,
      latitude: Number(location.latitude),
      longitude: Number(location.longitude),
      sessions: (cities.get(key)?.sessions ?? 0) + 1,
    })
  }
  return [...cities.values()].sort((a, b) => b.sessions - a.sessions)
}

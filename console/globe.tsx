/** The globe: loaded only by the screen that shows it. */
import { many } from './common/words.ts'
import type { City } from './screens/map.tsx'
import { GlobeMap } from './ui-globe.ts'

interface Shown {
  readonly cities: readonly City[]
  readonly onCity: (city: City) => void
}

export default function Globe({ cities, onCity }: Shown) {
  const first = cities[0]
  return (
    <GlobeMap
      aria-label={`Globe with live sessions in ${cities.length} cities; the list beside it says the same`}
      isDarkMode={document.documentElement.dataset.mode === 'dark'}
      landColor="var(--text-color-kumo-inactive)"
      landHatchSpacing={6}
      showGraticule
      {...(first === undefined ? {} : { defaultRotation: [-first.longitude, -first.latitude, 0] })}
      markers={cities.map((city) => ({
        longitude: city.longitude,
        latitude: city.latitude,
        name: city.name,
        description: many(city.sessions, 'session'),
        radius: 6 + Math.min(18, 4 * Math.log2(city.sessions)),
      }))}
      onMarkerClick={(marker) => {
        const city = cities.find((each) => each.name === marker.name && each.latitude === marker.latitude)
        if (city !== undefined) onCity(city)
      }}
    />
  )
}

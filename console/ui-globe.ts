/** The globe of Kumo, apart from `ui.ts`: what it weighs is loaded with the map alone. */
export { GlobeMap } from '@cloudflare/kumo/components/chart'

/** Instants and spans of time, as people read them. */
import { useNow, useSecond } from './now.ts'

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })

/** How long until an instant, to the second. */
export function Countdown({ until }: { readonly until: string }) {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - useSecond()) / 1000))
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return (
    <time dateTime={until}>
      {seconds === 0 ? 'now' : clock} <span className="exact">{utcOf(until)}</span>
    </time>
  )
}

/** How long before or after now, in words, and the instant in UTC. `at` is ISO 8601. */
export function Instant({ at }: { readonly at: string | null }) {
  const now = useNow()
  if (at === null) return <span className="subtle">never</span>
  return (
    <time dateTime={at}>
      {sinceOrUntil(Date.parse(at) - now)} <span className="exact">{utcOf(at)}</span>
    </time>
  )
}

/** "3 min. ago", "in 2 hr.". */
export function sinceOrUntil(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  // The clock of the page is as old as that.
  if (Math.abs(seconds) < 5) return 'now'
  const [unit, size] = UNITS.find(([, least]) => Math.abs(seconds) >= least) ?? UNITS[3]
  return relative.format(Math.trunc(seconds / size), unit)
}

/** "8 h", "15 min", "1 h 30 min". */
export function spanInWords(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const
  const said = parts.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount} ${unit}`)
  return said.length === 0 ? '0 s' : said.join(' ')
}

function utcOf(at: string): string {
  return `${new Date(at).toISOString().replace('T', ' ').slice(0, 19)} UTC`
}

/** Counts by the hour: bars for those who see, a table for those who hear. */
import { LayerCard } from '../ui.ts'

interface Shown {
  readonly title: string
  /** What is counted: "opened". */
  readonly what: string
  /** Oldest first; `hour` is ISO 8601. */
  readonly hours: readonly { readonly hour: string; readonly count: number }[]
}

const WIDTH = 480
const HEIGHT = 120
const MOST_GAP = 3

export function HourBars({ title, what, hours }: Shown) {
  const most = Math.max(1, ...hours.map(({ count }) => count))
  const step = WIDTH / Math.max(1, hours.length)
  const gap = Math.min(MOST_GAP, step / 4)
  return (
    <LayerCard className="chart">
      <h2>{title}</h2>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" className="bars">
        {hours.map(({ hour, count }, index) => {
          const height = (count / most) * HEIGHT
          return (
            <rect
              key={hour}
              x={index * step + gap / 2}
              y={HEIGHT - Math.max(height, 1)}
              width={step - gap}
              height={Math.max(height, 1)}
              rx="2"
            >
              <title>{`${hourName(hour)}: ${count} ${what}`}</title>
            </rect>
          )
        })}
      </svg>
      <p className="axis subtle" aria-hidden="true">
        <span>{hours[0] === undefined ? '' : hourName(hours[0].hour)}</span>
        <span>at most {most} an hour</span>
        <span>now</span>
      </p>
      <div className="unseen">
        <table>
          <caption>{title}</caption>
          <thead>
            <tr>
              <th>Hour</th>
              <th>{what}</th>
            </tr>
          </thead>
          <tbody>
            {hours.map(({ hour, count }) => (
              <tr key={hour}>
                <td>{hourName(hour)}</td>
                <td>{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </LayerCard>
  )
}

function hourName(hour: string): string {
  return `${hour.slice(5, 10)} ${hour.slice(11, 16)} UTC`
}

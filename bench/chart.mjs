// The chart: each scenario's throughput as a share of an empty Worker's, with the range of the rounds.
import { LABELS } from './report.mjs'

const WIDTH = 820
const LABEL_WIDTH = 380
const ROW_HEIGHT = 26
const BAR_HEIGHT = 16
const TOP = 34
const RIGHT = 70
const SHOWN = Object.keys(LABELS).filter(
  (key) => !['list', 'object_write', 'open_known', 'open_new', 'sign_in', 'better_auth_sign_in'].includes(key),
)

/** The checks as bars, in SVG that reads on light and on dark. */
export function chart({ summary = {} }) {
  const rows = SHOWN.filter((key) => summary[key]?.ofEmpty).map((key) => ({ key, share: summary[key].ofEmpty }))
  const scale = (share) =>
    LABEL_WIDTH + (share / Math.max(1, ...rows.map((row) => row.share.most))) * (WIDTH - LABEL_WIDTH - RIGHT)
  const bars = rows.map(({ key, share }, index) => {
    const y = TOP + index * ROW_HEIGHT
    const middle = y + BAR_HEIGHT / 2
    const label = LABELS[key].replaceAll('`', '')
    return [
      `<text x="${LABEL_WIDTH - 10}" y="${middle}" text-anchor="end">${label}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${round(scale(share.median) - LABEL_WIDTH)}" height="${BAR_HEIGHT}" fill="${colour(key)}"/>`,
      `<path d="M${round(scale(share.least))} ${middle}H${round(scale(share.most))}" stroke="#888" stroke-width="2"/>`,
      `<text x="${round(scale(share.most)) + 8}" y="${middle}">${share.median.toFixed(2)}</text>`,
    ].join('')
  })
  const height = TOP + rows.length * ROW_HEIGHT + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Requests per second as a share of an empty Worker">
<style>text{font:13px system-ui,sans-serif;fill:#777;dominant-baseline:central}</style>
<text x="${LABEL_WIDTH}" y="16">requests per second, as a share of an empty Worker; the line is the range of the rounds</text>
${bars.join('\n')}
</svg>
`
}

function colour(key) {
  if (key.startsWith('check')) return '#2f6fde'
  return ['empty', 'object_call', 'object_read'].includes(key) ? '#9aa3ad' : '#d98a3d'
}

function round(value) {
  return Math.round(value * 10) / 10
}

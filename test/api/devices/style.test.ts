/** The pages' colours, as WCAG 2.2 counts contrast. */
import { expect, test } from 'vitest'
import { STYLE } from '../../../src/api/devices/style.ts'

const TEXT = 4.5
const EDGE = 3
/** What stands on what, and the least contrast. */
const PAIRS: readonly [string, string, number][] = [
  ...['page', 'card', 'note', 'warn'].map((ground): [string, string, number] => ['text', ground, TEXT]),
  ...['page', 'card', 'note', 'warn'].map((ground): [string, string, number] => ['soft', ground, TEXT]),
  ...['page', 'card', 'note', 'warn'].map((ground): [string, string, number] => ['accent', ground, TEXT]),
  ...['page', 'card', 'warn'].map((ground): [string, string, number] => ['danger', ground, TEXT]),
  ['on-accent', 'accent', TEXT],
  ['line', 'card', EDGE],
]

const [light = '', dark = ''] = STYLE.split('@media (prefers-color-scheme: dark)')

function colours(css: string): Record<string, string> {
  return Object.fromEntries(Array.from(css.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g), ([, name, value]) => [name, value]))
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

test.each([
  ['light', colours(light)],
  ['dark', colours(dark)],
] as const)('every text and every edge is seen, in %s', (_scheme, colour) => {
  const tooWeak = PAIRS.filter(([over, under, least]) => {
    const [high = 0, low = 0] = [over, under].map((name) => luminance(colour[name] ?? '')).toSorted((a, b) => b - a)
    return !((high + 0.05) / (low + 0.05) >= least)
  })
  expect(tooWeak).toEqual([])
})

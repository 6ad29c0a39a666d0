/** Median and range of some figures. */
export function spread(figures) {
  const sorted = figures.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2
  return { median, least: sorted[0], most: sorted.at(-1) }
}

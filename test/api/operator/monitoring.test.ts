/** What is watched exists: the dashboard and the alerts name metrics that are there. */
import { expect, test } from 'vitest'
import alerts from '../../../docs/monitoring/alerts.yml?raw'
import dashboard from '../../../docs/monitoring/dashboard.json?raw'
import operating from '../../../docs/operating.md?raw'
import { readMetrics } from '../../support/metrics.ts'

const named = (text: string) => new Set(text.match(/\blatchkey_[a-z_]+/g) ?? [])

test('each metric that the dashboard and the alerts name is printed, and the documents have all of them', async () => {
  const { names } = await readMetrics()
  for (const text of [alerts, dashboard]) {
    expect(named(text).size).toBeGreaterThan(4)
    expect([...named(text)].filter((name) => !names.includes(name))).toEqual([])
  }
  // Nothing is measured that nobody looks at.
  expect(names.filter((name) => !named(dashboard).has(name))).toEqual([])
  expect(names.filter((name) => !named(operating).has(name))).toEqual([])
})

test('the dashboard is one: panels with titles, places that do not overlap, and queries', () => {
  const { panels, schemaVersion } = JSON.parse(dashboard)
  expect(schemaVersion).toBe(39)
  expect(panels.length).toBeGreaterThan(10)
  const taken = new Set<string>()
  for (const { title, targets, gridPos, id } of panels) {
    expect([id, typeof title, targets.length > 0]).toEqual([id, 'string', true])
    for (const { expr } of targets) expect(expr).toMatch(/latchkey_/)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect([title, x < 24, taken.has(`${x},${y}`)]).toEqual([title, true, false])
        taken.add(`${x},${y}`)
      }
    }
  }
})

test('each alert says what it is about, after how long, and how grave it is', () => {
  const rules = alerts.split('- alert: ').slice(1)
  expect(rules.length).toBeGreaterThanOrEqual(5)
  for (const rule of rules) {
    expect(rule).toMatch(/^Latchkey\w+\n\s+expr: [\s\S]+\n\s+for: \d+[mh]\n\s+labels: \{ severity: \w+ \}\n/)
    expect(rule).toMatch(/summary: "Latchkey: [^"]+"/)
  }
})

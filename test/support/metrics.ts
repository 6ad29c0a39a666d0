/** What `GET /operator/metrics` says, read as Prometheus does. */
import { expect } from 'vitest'
import { PROMETHEUS_TEXT } from '../../src/api/operator/metrics.ts'
import { advanceClock } from './clock.ts'
import { send } from './requests.ts'
import { makeOperator } from './stores.ts'

export interface Metrics {
  /** The value of a sample by its name, with its label as it is written; undefined: it is not there. */
  readonly values: Readonly<Record<string, number>>
  /** The names of the metrics, also of those without a sample. */
  readonly names: readonly string[]
}

/** Reads them anew: what was remembered is too old. The clock stops. */
export async function readMetrics(): Promise<Metrics> {
  advanceClock(16)
  const response = await send('/operator/metrics', { bearer: await makeOperator({ scopes: ['operator:read'] }) })
  const text = await response.text()
  expect([response.status, response.headers.get('content-type')], text).toEqual([200, PROMETHEUS_TEXT])
  expect(text.endsWith('\n')).toBe(true)
  const values: Record<string, number> = {}
  const names: string[] = []
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (latchkey_[a-z_]+) gauge$/.exec(line)
    const sample = /^((latchkey_[a-z_]+)(?:\{[a-z]+="[\w-]*"\})?) (\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line)
    if (type?.[1] !== undefined) names.push(type[1])
    else if (sample !== null) {
      // After the type of its metric, and once.
      expect([sample[2], values[sample[1] as string]]).toEqual([names.at(-1), undefined])
      values[sample[1] as string] = Number(sample[3])
    } else expect(line).toMatch(/^# HELP latchkey_[a-z_]+ \S/)
  }
  expect(new Set(names).size).toBe(names.length)
  return { values, names }
}

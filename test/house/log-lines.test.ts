/** What is logged: by one piece of code, under names that the documents explain, and saying where it comes from. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { LOG_EVENTS, type LogEvent, log, logContext } from '../../src/log.ts'
import { ROOT, sources } from './source-tree.ts'

/** What a reader finds the place by. */
const WHERE = /requestId|object: |identityStoreId|work: /

/** Logged where a request, an object or the hourly run is the context. */
const IN_CONTEXT: readonly LogEvent[] = [
  'dependency.unavailable',
  'openid.refused',
  'openid.failed',
  'housekeeping.failed',
  'events.removed_unsent',
  'event_endpoint.unusable',
]
/** Said once when an isolate starts, of the settings alone. */
const OF_NOTHING: LogEvent = 'deployment.setting_ignored'

interface Line {
  readonly place: string
  readonly event: string
  readonly facts: string
}

const texts = sources().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
const lines: readonly Line[] = texts.flatMap(({ path, text }) =>
  Array.from(text.matchAll(/(?<![\w.])log\(\s*'([^']+)'([\s\S]*?)\)(?=,?$)/gm), ([, event = '', facts = '']) => ({
    place: `${path}: ${event}`,
    event,
    facts,
  })),
)

test('nothing but the log writes lines', () => {
  expect(texts.filter(({ text }) => /\bconsole(\.\w+\(|\[)/.test(text)).map(({ path }) => path)).toEqual(['src/log.ts'])
})

test('every log line says where it comes from', () => {
  const elsewhere = lines.filter(({ event }) => event !== OF_NOTHING && !IN_CONTEXT.includes(event as LogEvent))
  expect(elsewhere.length).toBeGreaterThan(10)
  expect(elsewhere.filter(({ facts }) => !WHERE.test(facts)).map(({ place }) => place)).toEqual([])
})

test('every event is logged somewhere, and the documents have those alone', () => {
  const events = Object.keys(LOG_EVENTS).toSorted()
  expect([...new Set(lines.map(({ event }) => event))].toSorted()).toEqual(events)
  const [, table = ''] = readFileSync(join(ROOT, 'docs/operating.md'), 'utf8').split('| event | level |')
  const rows = Array.from((table.split('\n\n')[0] ?? '').matchAll(/^\| `([^`]+)` \| (\w+) \| `(\w+)` \|/gm))
  expect(rows.map(([, event, level, outcome]) => [event, level, outcome]).toSorted()).toEqual(
    Object.entries(LOG_EVENTS)
      .map(([event, [level, outcome]]) => [event, level, outcome])
      .toSorted(),
  )
})

test('a line is one object: event, outcome, where it comes from, and what is to be known', () => {
  const written = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  logContext.run({ requestId: 'r', identityStoreId: 'd-1' }, () => log('openid.refused', { status: 400 }))
  expect(written.mock.calls).toEqual([
    [{ event: 'openid.refused', outcome: 'refused', requestId: 'r', identityStoreId: 'd-1', status: 400 }],
  ])
  written.mockRestore()
})

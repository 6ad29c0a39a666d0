/** The audit log of a test: sealed as the cron seals it, verified as an operator verifies it, and tampered with. */
import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import worker from '../../src/index.ts'
import { operate } from '../api/operator/operator.ts'

/** Seals all that was committed, as the platform has it done each minute. */
export function seal(): Promise<void> {
  return worker.scheduled(createScheduledController({ cron: '* * * * *' }), env)
}

/** The hourly run. */
export function runHourly(): Promise<void> {
  return worker.scheduled(createScheduledController(), env)
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came.
type Body = any

/** What an operator is told of a store's chain (null: the operators' own), in stretches of so many events. */
export async function verification(
  store: string | null,
  limit = 1_000,
): Promise<{ readonly faults: Body[]; readonly events: number; readonly last: Body; readonly stretches: number }> {
  const path = store === null ? '' : `/identity-stores/${store}`
  const faults: Body[] = []
  let events = 0
  let stretches = 0
  for (let cursor = ''; ; ) {
    const answer = await operate(`${path}/audit-events/verification?limit=${limit}${cursor}`)
    expect(answer.status).toBe(200)
    const { body } = answer
    faults.push(...body.faults)
    if (!cursor.includes('=e')) events += body.events
    stretches += 1
    if (body.next_cursor === null) return { faults, events, last: body, stretches }
    cursor = `&cursor=${body.next_cursor}`
  }
}

/** Changes the database as somebody does who holds it: no trigger stands in the way. */
export async function tamper(...statements: readonly (string | D1PreparedStatement)[]): Promise<void> {
  const { results } = await env.DB.prepare(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('audit_events', 'audit_places', 'audit_chains')",
  ).all<{ name: string; sql: string }>()
  expect(results.length).toBeGreaterThan(5)
  await env.DB.batch([
    ...results.map(({ name }) => env.DB.prepare(`DROP TRIGGER ${name}`)),
    ...statements.map((one) => (typeof one === 'string' ? env.DB.prepare(one) : one)),
    ...results.map(({ sql }) => env.DB.prepare(sql)),
  ])
}

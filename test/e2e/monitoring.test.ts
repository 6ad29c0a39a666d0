/** Prometheus' own tool reads the alerts, and what a served service says of itself. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Served, serve } from './support/served.ts'

const FOLDER = join(import.meta.dirname, '../../docs/monitoring')

function promtool(args: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, input, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

const isThere = promtool(['--version']).status === 0
if (!isThere) console.warn('promtool (the package `prometheus`) was not found: the alerts are not tried.')

describe.skipIf(!isThere)('promtool', () => {
  let server: Served

  beforeAll(async () => {
    server = await serve()
  })

  afterAll(async () => {
    await server?.stop()
  })

  test('takes the alerts, each of which fires when it should, and not otherwise, also of two deployments', () => {
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, said } = promtool(args)
      expect(status, said).toBe(0)
    }
  })

  test('understands each query of the dashboard', () => {
    const { panels } = JSON.parse(readFileSync(join(FOLDER, 'dashboard.json'), 'utf8'))
    const queries = panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr))
    const rules = queries.map((expr: string, index: number) => ({ record: `query:${index}`, expr }))
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-queries-'))
    // JSON is YAML.
    writeFileSync(join(folder, 'queries.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const { status, said } = promtool(['check', 'rules', join(folder, 'queries.yml')])
    rmSync(folder, { recursive: true })
    expect([status, said]).toEqual([0, expect.stringContaining(`${queries.length} rules found`)])
  })

  test('has nothing to say against the metrics', async () => {
    const { base_url: url, operator_token: token } = server.credentials
    const answer = await fetch(`${url}/operator/metrics`, { headers: { authorization: `Bearer ${token}` } })
    expect(promtool(['check', 'metrics'], await answer.text())).toEqual({ status: 0, said: '' })
    expect(promtool(['check', 'metrics'], 'latchkey_of_another_kind{ 1\n').status).not.toBe(0)
  })
})

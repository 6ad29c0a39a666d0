/** Prometheus and its tool read the alerts, and what a served service says of itself. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { piecesOf } from './support/documents.ts'
import { type Served, serve } from './support/served.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'docs/monitoring')
const ALERTS = 6
const SCRAPED_WITHIN = { timeout: 60_000, interval: 200 }

function promtool(args: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, input, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

const isThere = promtool(['--version']).status === 0
if (!isThere) console.warn('promtool (the package `prometheus`) was not found: the alerts are not tried.')

describe.skipIf(!isThere)('Prometheus', () => {
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

  test('scrapes it as the documents say, and no alert is on its way', async () => {
    const { base_url: url, operator_token: token } = server.credentials
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-prometheus-'))
    const documented = piecesOf(ROOT, 'docs/operating.md').find(({ language }) => language === 'yaml')?.text ?? ''
    const scraping = documented
      .replace('/etc/prometheus/latchkey-token', join(folder, 'token'))
      .replace('scheme: https', 'scheme: http')
      .replace('sessions.example.com', new URL(url).host)
    const soon = 'global: { scrape_interval: 1s, evaluation_interval: 1s }\n'
    writeFileSync(join(folder, 'token'), token)
    writeFileSync(join(folder, 'prometheus.yml'), `${soon}rule_files: [${join(FOLDER, 'alerts.yml')}]\n${scraping}`)
    const address = `127.0.0.1:${await freePort()}`
    const options = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=${address}`]
    const prometheus = spawn('prometheus', options, { cwd: folder, stdio: 'ignore' })
    const ended = new Promise((resolve) => prometheus.on('close', resolve))
    const ask = async (path: string) => (await fetch(`http://${address}/api/v1/${path}`)).json()
    try {
      await vi.waitFor(async () => {
        const target = { health: 'up', lastError: '', labels: { job: 'latchkey' } }
        expect(await ask('targets')).toMatchObject({ data: { activeTargets: [target] } })
        const rules = Array(ALERTS).fill({ health: 'ok', state: 'inactive' })
        expect(await ask('rules')).toMatchObject({ data: { groups: [{ rules }] } })
        // D1, KV, objects and schema.
        const result = [{ value: [expect.any(Number), '4'] }]
        expect(await ask('query?query=sum(latchkey_ready)')).toMatchObject({ data: { result } })
      }, SCRAPED_WITHIN)
    } finally {
      prometheus.kill()
      await ended
      rmSync(folder, { recursive: true })
    }
  })
})

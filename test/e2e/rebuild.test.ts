/** `npm run rebuild`, against what stands in for the operator API: test/sessions/rebuild.test.ts has the work itself. */
import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const SCRIPT = join(import.meta.dirname, '../../scripts/rebuild.mjs')
const STORES = ['d-1', 'd-2']

let server: Server
let asked: string[]

beforeEach(async () => {
  asked = []
  const looks = new Map<string, number>()
  server = createServer((request, response) => {
    const url = request.url ?? ''
    asked.push(`${request.method} ${url}`)
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const job = { job_id: 'rebuild_records:1', kind: 'rebuild_records', done: 32, left: 8, failures: 0 }
    const store = url.split('/')[3] ?? ''
    if (request.headers.authorization !== 'Bearer lk_secret') return answer(403, { code: 'forbidden' })
    if (url === '/operator/identity-stores') {
      return answer(200, { identity_stores: [{ identity_store_id: 'd-1' }], next_cursor: 'd-1' })
    }
    if (url.startsWith('/operator/identity-stores?')) {
      return answer(200, { identity_stores: [{ identity_store_id: 'd-2' }], next_cursor: null })
    }
    if (request.method === 'POST') return answer(202, { ...job, done: null, left: null })
    looks.set(store, (looks.get(store) ?? 0) + 1)
    return looks.get(store) === 1 ? answer(200, job) : answer(404, { code: 'job_not_found' })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => server.close())

async function rebuild(token: string | undefined, ...args: string[]) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { OPERATOR_TOKEN: _, ...env } = process.env
  const run = promisify(execFile)(process.execPath, [SCRIPT, '--url', url, ...args], {
    env: token === undefined ? env : { ...env, OPERATOR_TOKEN: token },
  })
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

test('rebuilds every store, one after the other, and says how far each has come', async () => {
  const { code, stdout } = await rebuild('lk_secret')
  expect(code).toBe(0)
  expect(asked.filter((one) => one.startsWith('POST'))).toEqual(
    STORES.map((id) => `POST /operator/identity-stores/${id}/rebuild`),
  )
  for (const id of STORES) expect(stdout).toContain(`${id}: 32 users done, 8 left\n${id}: done\n`)
})

test('rebuilds one store, and stops at a refusal', async () => {
  expect((await rebuild('lk_secret', '--store', 'd-2')).stdout).toContain('d-2: done')
  expect(asked.some((one) => one.includes('d-1'))).toBe(false)
  const refused = await rebuild('lk_other')
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('403')])
  expect((await rebuild(undefined)).code).toBe(1)
})

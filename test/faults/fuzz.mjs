// `npm run fuzz -- --requests 100000 --seed 7`: requests that nobody should send, over a socket to the Worker as it is
// shipped. No answer may be a bug, late, or show what its caller may not see; a store that nobody is authorised for must
// stay as it is, and so must its caller's where a request is refused; D1 must agree with the objects of the others, and
// nobody has more sessions than allowed. What goes wrong is made smaller, and printed.
import { parseArgs } from 'node:util'
import { SECRETS } from '../support/secrets.ts'
import { startDirectWorker } from './direct-worker.ts'
import { campaign, stall } from './fuzz/campaign.ts'
import { sendOver } from './fuzz/wire.ts'
import { UNLIMITED } from './mix/unlimited.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})
const [requests, seed] = [Number(values.requests), Number(values.seed)]
if (!Number.isInteger(requests) || requests < 1 || requests > 10_000_000)
  throw new Error('--requests takes 1 to 10 million')
if (!Number.isInteger(seed)) throw new Error('--seed takes a whole number')

/** One of those that wrangler.toml names. */
const ORIGIN = 'http://127.0.0.1:8787'
const VARIABLES = {
  SIGN_IN_FLOOR_MILLISECONDS: '0',
  PASSWORD_HASH_COST: 'ln=1,r=1,p=1',
  ...UNLIMITED,
}
const logged = []
const worker = await startDirectWorker({
  variables: VARIABLES,
  gateLimit: 1_000_000_000,
  logged: ({ level, message }) => level === 'error' && logged.push(message),
})
try {
  const operator = await call({
    method: 'POST',
    path: '/operator/bootstrap',
    bearer: SECRETS.OPERATOR_BOOTSTRAP_SECRET,
    json: { name: 'Fuzz' },
  })
  const started = Date.now()
  const target = {
    origin: ORIGIN,
    operator: operator.body.token,
    call,
    send: (request) => sendOver(worker.url, new URL(ORIGIN).host, request),
    rows: { all: worker.rows },
    troubles: () => logged.splice(0),
  }
  const report = await campaign(target, seed, requests)
  report.findings.push(...(await stall(target, seed)))
  const statuses = [...report.statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`)
  console.log(
    `seed ${seed}: ${report.requests} requests of ${report.operations.size} operations in ${Math.round((Date.now() - started) / 1000)} s, ${report.refusals} refusals looked at: ${statuses.join(', ')}`,
  )
  if (report.findings.length > 0) {
    console.error(`${report.findings.length} findings:\n\n${report.findings.join('\n\n')}`)
    process.exitCode = 1
  } else console.log('nothing broke, nothing was shown, nothing changed that may not')
} finally {
  await worker.stop()
}

async function call({ method, path, bearer, json, form }) {
  const body = json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form) : undefined
  const response = await fetch(new URL(path, worker.url), {
    method,
    headers: {
      'cf-connecting-ip': '2001:db8::1',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return { body: text === '' ? null : JSON.parse(text), cookies: response.headers.getSetCookie() }
}

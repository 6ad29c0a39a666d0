// Starts an example beside `npm run dev`, with the demo store's credentials: node ../start.mjs hono|express
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CREDENTIALS = process.env.LATCHKEY_CREDENTIALS ?? join(ROOT, '.wrangler/state/dev-credentials.json')
const PORTS = { hono: '8788', express: '8789' }

const [example] = process.argv.slice(2)
const port = process.env.PORT ?? PORTS[example]
if (!existsSync(CREDENTIALS)) {
  console.error('Start Latchkey first, in another terminal: npm run dev')
  process.exit(1)
}
const { base_url: baseUrl, service } = JSON.parse(readFileSync(CREDENTIALS, 'utf8'))
if (!existsSync(join(ROOT, 'node_modules/latchkey/dist/operator.js'))) {
  execFileSync('npm', ['run', '-s', 'build', '-w', 'latchkey'], { cwd: ROOT, stdio: 'inherit' })
}

const folder = join(ROOT, 'examples', example)
const env = {
  ...process.env,
  PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
  WRANGLER_SEND_METRICS: 'false',
}
const commands = {
  hono: ['wrangler', 'dev', '--port', port, '--inspector-port', '0', '--show-interactive-dev-session=false'],
  express: ['node', 'app.mjs'],
}
const [command, ...args] = commands[example]
const child = spawn(command, args, {
  cwd: folder,
  stdio: 'inherit',
  env: { ...env, PORT: port, LATCHKEY_URL: baseUrl, LATCHKEY_CREDENTIAL: service.token },
})
child.on('exit', (code) => process.exit(code ?? 1))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))

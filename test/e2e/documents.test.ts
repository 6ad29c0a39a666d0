/**
 * Every command of the documents, as they print it, against `npm run dev`: a page's commands are one session of a shell
 * in the project's directory, and are typed twice, but for those that only read. A block that is neither run nor listed here fails.
 */
import { execFile } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type DevServer, startDev } from './support/dev-server.ts'
import { documents, examplesIn, type Piece, piecesOf } from './support/documents.ts'
import { queryDatabaseWith } from './support/local-database.ts'
import { type OpenIdProvider, startOpenIdProvider } from './support/openid-provider.ts'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCUMENTED_URL = 'http://127.0.0.1:8787'
/** Languages of what is typed. */
const RUN = new Set(['sh', 'console', 'js', 'ts'])
/** Languages of what is only read. */
const READ = new Set(['text', 'json', 'yaml'])
/** They read and change nothing, and take seconds: nothing is learned the second time. */
const ONCE = /^npm (?:exec -- wrangler d1 execute|run -s size)/
/** How the server that all the others are run against was started. */
const STARTED = 'starts the service, as this test has'
const MINUTES = 'measures, or breaks things, for minutes'
const EMPTY = 'needs a service of its own: test/e2e/two-services.test.ts runs it'
const STAND_IN = 'needs an account: test/e2e/deploy.test.ts runs it against a stand-in'
const ACCOUNT = 'needs an account: test/e2e/account.test.ts runs it, as it stands, against a stand-in'

const CLIENT = 'test/e2e/client-readme.test.ts runs it'
const EXAMPLE = 'test/e2e/client-examples.test.ts runs it'

/** What tokens, keys and secrets are called, on every page. */
const NAMES = [
  ...['ACCESS_KEY', 'ACCESS_TOKEN', 'BACK_END_TOKEN', 'LOGIN_TOKEN', 'OPERATOR_TOKEN', 'SESSION_TOKEN', 'SLACK_TOKEN'],
  ...['OPERATOR_BOOTSTRAP_SECRET', 'OPERATOR_RECOVERY_SECRET'],
]

/** Commands that any page may speak of. */
const MENTIONED = new Map([
  ['npm run dev', STARTED],
  ['npm run dev -- --demo-sessions 500', 'test/e2e/dev.test.ts makes some'],
  ['npm test', 'runs this'],
  ['wrangler dev', 'is what npm run dev runs'],
  ['npx wrangler dev', 'test/e2e/two-services.test.ts runs it'],
  ['wrangler deploy', STAND_IN],
  ['wrangler login', 'asks the person in a browser'],
  ['curl -k', 'is an option, not a command'],
  ...['crash', 'end-job', 'webhooks', 'logouts', 'fuzz', 'faults', 'versions', 'soak'].map(
    (name) => [`npm run ${name}`, MINUTES] as const,
  ),
  ['npm run audit:verify', 'docs/security.md has it with its arguments'],
  ['npm run -s sbom', 'test/house/lockfile.test.ts runs it'],
])

/** What is not run here, by page and by how it begins, and why. */
const LISTED: readonly (readonly [file: string, start: string, reason: string])[] = [
  ['README.md', 'npm ci && npm run dev', `${STARTED}; npm ci is how the packages came here`],
  ['README.md', 'npm run mutants', MINUTES],
  ['README.md', '// app.js: Hono', CLIENT],
  ['packages/client/README.md', '// app.js: Hono', CLIENT],
  ['packages/client/README.md', '// worker.js', CLIENT],
  ['packages/client/README.md', '// app.js: Express', CLIENT],
  ['packages/client/README.md', 'npx wrangler dev --port', 'test/e2e/client-examples.test.ts starts a bound Worker so'],
  ['packages/client/README.md', '// sign-in.js', CLIENT],
  ['packages/client/README.md', '// check.js', CLIENT],
  ['packages/client/README.md', '// ended.js', CLIENT],
  ['packages/client/README.md', '// test.js', CLIENT],
  ['packages/client/README.md', '// server.js', CLIENT],
  ['packages/client/README.md', 'npm ci && npm pack', 'test/e2e/client-package.test.ts packs it'],
  ['packages/client/README.md', 'npm init -y', 'test/e2e/client-package.test.ts installs it'],
  ['packages/client/README.md', 'DEMO=', CLIENT],
  ['docs/events.md', 'import { Webhook }', 'test/events/webhooks.test.ts verifies so'],
  ['docs/events.md', 'const told = {', 'test/e2e/support/openid-provider.ts registers so'],
  ['docs/events.md', 'import { createRemoteJWKSet', 'test/support/ssf-receiver.ts verifies so'],
  ['examples/hono/README.md', 'npm start', EXAMPLE],
  ['examples/express/README.md', 'npm start', EXAMPLE],
  ['CONTRIBUTING.md', 'npm ci && npm', `${STARTED}; npm ci is how the packages came here`],
  ['CONTRIBUTING.md', 'npm run check', 'is a part of npm test, which runs this'],
  ['CONTRIBUTING.md', 'npm run format', 'mends what npm run check finds'],
  ['CONTRIBUTING.md', 'npm exec -- vitest run', 'is a part of npm test, which runs this'],
  ['CONTRIBUTING.md', 'npm run mutants', MINUTES],
  ['CONTRIBUTING.md', 'npm run interleavings', MINUTES],
  ['CONTRIBUTING.md', 'npm run campaigns', MINUTES],
  ['CONTRIBUTING.md', 'npm run fuzz', MINUTES],
  ['CONTRIBUTING.md', 'npm run crash', MINUTES],
  ...['faults', 'versions', 'soak'].map((name) => ['CONTRIBUTING.md', `npm run ${name}`, MINUTES] as const),
  ['CONTRIBUTING.md', 'npm run end-job', MINUTES],
  ['CONTRIBUTING.md', 'npm run webhooks', MINUTES],
  ['CONTRIBUTING.md', 'npm run logouts', MINUTES],
  ['CONTRIBUTING.md', 'npm run streams', MINUTES],
  ['CONTRIBUTING.md', 'npm run bench', MINUTES],
  ['CONTRIBUTING.md', 'npm run migrations:generate', 'changes the checkout'],
  ['docs/apio.md', 'npm run dev -- --var', 'is for the next command'],
  ['docs/apio.md', 'npm exec -- node scripts/sign-in-times.mjs', MINUTES],
  ['docs/application-server.md', '[[services]]', 'is in wrangler.toml here, before the start'],
  ['docs/client.md', 'npm run build -w latchkey', 'test/e2e/client-package.test.ts runs it'],
  ['docs/console.md', 'npm run check', 'is a part of npm test, which runs this'],
  ['docs/console.md', 'npm run screenshots', 'makes pictures, which somebody looks at'],
  ['docs/operating.md', 'npm ci && npm run dev', `${STARTED}; npm ci is how the packages came here`],
  ['docs/operating.md', 'npm run dev -- --port', 'test/e2e/two-services.test.ts starts a second one'],
  ['docs/runbook.md', 'npm exec -- wrangler', ACCOUNT],
  ['docs/runbook.md', 'npm run deploy', STAND_IN],
  ['docs/runbook.md', 'npm run rebuild', 'test/e2e/rebuild.test.ts runs it'],
  ['docs/scaling.md', 'npm run deploy', STAND_IN],
  ['docs/operating.md', 'npm run crash', MINUTES],
  ['docs/operating.md', 'npm run deploy', STAND_IN],
  ['docs/operating.md', 'npm exec -- wrangler secret put', ACCOUNT],
  ['docs/operating.md', 'curl -fsS https://sessions.example.com/operator/bootstrap', EMPTY],
  ['docs/operating.md', 'OPERATOR_RECOVERY_SECRET=', EMPTY],
  ['docs/performance.md', 'npm run bench', MINUTES],
  ['docs/performance.md', 'npm run nine-o-clock', MINUTES],
  ['docs/performance.md', 'npm run flood', MINUTES],
  [
    'docs/sessions.md',
    'const checked = await env.LATCHKEY',
    'is a part of a Worker: test/entrypoint.test.ts makes such calls',
  ],
  ['docs/sessions.md', '// app.mjs', 'test/e2e/browser-cookies.test.ts runs it, in a browser'],
  [
    'docs/slack.md',
    'import os, slack_sdk',
    "Python's client is no package of npm: its captured bytes are in the tests",
  ],
]

const isListed = ({ file, language, text }: Piece) =>
  (language === 'inline' && MENTIONED.has(text)) ||
  LISTED.some(([page, start]) => page === file && text.startsWith(start))
const isRun = (piece: Piece) => (RUN.has(piece.language) || piece.language === 'inline') && !isListed(piece)

let project: ProjectCopy
let server: DevServer
let provider: OpenIdProvider
let home: string
let state: string

beforeAll(async () => {
  project = copyProject()
  state = join(project.directory, '.wrangler/state')
  // A client keeps a file in the home directory.
  home = mkdtempSync(join(tmpdir(), 'latchkey-home-'))
  const [binding] = piecesOf(ROOT, 'docs/application-server.md').filter(({ language }) => language === 'toml')
  appendFileSync(join(project.directory, 'wrangler.toml'), `\n${binding?.text}`)
  provider = await startOpenIdProvider(await freePort(), {
    sub: 'subject of sol',
    email: 'sol.single@pie.example',
    email_verified: true,
  })
  server = await startDev(project.directory, ['--port', String(await freePort())])
})

afterAll(async () => {
  await server?.stop()
  await provider?.stop()
  project.remove()
  rmSync(home, { recursive: true, force: true })
})

/** The OpenID provider that docs/apio.md takes for granted, and what a browser brings back from it. */
async function signedInElsewhere(): Promise<Record<string, string>> {
  const { issuer, clientId, clientSecret, redirectUri } = provider
  const { base_url, operator_token, identity_store_id } = server.credentials
  const set = await fetch(`${base_url}/operator/identity-stores/${identity_store_id}/openid-provider`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${operator_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ issuer, client_id: clientId, client_secret: clientSecret, redirect_uri: redirectUri }),
  })
  expect(set.status).toBe(200)
  return { NONCE: 'a-nonce', CODE: await provider.code('a-nonce'), REDIRECT_URI: redirectUri }
}

/** Whether it was the first time is all that may differ. */
const alike = (text: string) => text.trim().replace(/"is_first_login":(true|false)/g, '"is_first_login":…')

/** Types what a page says into one shell, and compares what it prints where the page shows that. */
async function typeAll(file: string, again: boolean): Promise<void> {
  const steps = piecesOf(ROOT, file)
    .filter((piece) => isRun(piece) && !(again && ONCE.test(piece.text)))
    .flatMap((piece): { command: string; output?: string }[] => {
      const text = piece.text.replaceAll(DOCUMENTED_URL, server.credentials.base_url)
      if (piece.language === 'console') return examplesIn(text)
      if (piece.language !== 'js' && piece.language !== 'ts') return [{ command: text }]
      const program = `block-${piece.line}.${piece.language === 'js' ? 'mjs' : 'mts'}`
      writeFileSync(join(project.directory, program), text)
      return [{ command: `node ${program}` }]
    })
  const script = steps.map(({ command }) => `${command}\nprintf '\\036'\n`).join('')
  const env = { ...process.env, HOME: home, ...(file === 'docs/apio.md' && (await signedInElsewhere())) }
  const { stdout, failure } = await promisify(execFile)('sh', ['-euc', script], { cwd: project.directory, env }).then(
    (done) => ({ stdout: done.stdout, failure: null }),
    (error) => ({ stdout: String(error.stdout), failure: String(error.stderr) }),
  )
  const outputs = stdout.split('\u001e')
  expect(failure, `${file}, after what it printed: ${steps[outputs.length - 1]?.command}`).toBeNull()
  for (const [index, { command, output }] of steps.entries()) {
    // Slack's errors are 200.
    expect(outputs[index], command).not.toContain('"ok":false')
    if (output !== undefined)
      expect(`$ ${command}\n${alike(outputs[index] ?? '')}`).toBe(`$ ${command}\n${alike(output)}`)
  }
}

describe('the documents', () => {
  const pieces = documents(ROOT).flatMap((file) => piecesOf(ROOT, file))

  test('have no block that is neither run nor listed', () => {
    const unknown = pieces.filter((piece) => !isRun(piece) && !READ.has(piece.language) && !isListed(piece))
    expect(unknown).toEqual([])
  })

  test('have everything that is listed', () => {
    const idle = LISTED.filter(
      ([page, start]) => !pieces.some(({ file, text }) => file === page && text.startsWith(start)),
    )
    expect(idle).toEqual([])
  })

  test('call each thing by one name', () => {
    const typed = pieces.filter(({ language }) => language === 'sh' || language === 'console')
    const names = typed.flatMap(({ text }) => [...text.matchAll(/\$\{?(\w*(?:TOKEN|OPERATOR|KEY|SECRET)\w*)/g)])
    expect([...new Set(names.map(([, name]) => name))].filter((name) => !NAMES.includes(name ?? ''))).toEqual([])
  })

  const pages = documents(ROOT).filter((file) => piecesOf(ROOT, file).some(isRun))
  // Each call of wrangler takes seconds.
  test.each(pages)('%s: every command works, twice', { timeout: 300_000 }, async (file) => {
    await typeAll(file, false)
    await typeAll(file, true)
  })

  test('changed both databases alike', () => {
    const users = "username LIKE 'sam.%' OR username LIKE 'dee.%'"
    const query = `SELECT username, first_name, email_address FROM users WHERE ${users} ORDER BY username`
    const ours = queryDatabaseWith('identity_stores', state, query)
    expect(ours).toMatchObject([{ first_name: 'Deirdre' }, { first_name: 'Sam' }])
    expect(queryDatabaseWith('updates', state, query)).toEqual(ours)
  })

  test('leave nothing in the checkout', async () => {
    const kept = readFileSync(join(project.directory, '.gitignore'), 'utf8')
    expect(kept).toContain('.wrangler/')
    const { stdout } = await promisify(execFile)('ls', ['-A'], { cwd: project.directory })
    expect(stdout).not.toMatch(/cookies|token/)
  })
})

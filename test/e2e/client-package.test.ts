/** The package as it is published: what is in it, how large it is, and whether an empty project can use it. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { VERSION } from '../../packages/client/src/version.ts'
import { bun } from './support/bun.ts'

const ROOT = join(import.meta.dirname, '../..')
const PACKAGE = join(ROOT, 'packages/client')
const BIN = join(ROOT, 'node_modules/.bin')
const LIMIT_BYTES = 3 * 1024

const run = promisify(execFile)
let project: string

const PROGRAM = `import { createClient, sessionCookie } from 'latchkey'
import type { SessionsBinding } from 'latchkey/binding'
import { watchSession } from 'latchkey/browser'
import { requireSession as forExpress } from 'latchkey/express'
import { sessionMiddleware, requireSession } from 'latchkey/fetch'
import { createOperator } from 'latchkey/operator'
import { createTestClient } from 'latchkey/testing'

export const bound = (env: { LATCHKEY: SessionsBinding }) => createClient({ binding: env.LATCHKEY })
export const browser = watchSession
export const handler = forExpress({ signedInWithin: '10m' })
export async function usersOf(store: string) {
  const operator = createOperator({ baseUrl: 'http://127.0.0.1:1', credential: 'none' })
  const ids: string[] = []
  for await (const user of operator.stores(store).listUsers()) ids.push(user.user_id)
  return ids
}

const latchkey = createTestClient()
const withSession = sessionMiddleware(latchkey)
const signedIn = requireSession()

export async function main(): Promise<string> {
  const opened = await latchkey.sessions.open({ userId: 'ada', client: { address: null, userAgent: null } })
  if (!opened.ok) return opened.code
  const cookie = sessionCookie(opened.session, opened.token).split(';')[0] ?? ''
  const ask = (request: Request) =>
    withSession(request, async (asked, session) => (await signedIn(asked)) ?? new Response(session?.userId ?? null))
  const refused = await ask(new Request('https://app.pie.example/'))
  const answer = await ask(new Request('https://app.pie.example/', { headers: { cookie } }))
  return \`\${refused.status} \${await answer.text()}\`
}
`

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'latchkey-consumer-'))
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: PACKAGE })
  writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}')
  await run('npm', ['install', '--no-audit', '--no-fund', '--offline', `./latchkey-${VERSION}.tgz`], { cwd: project })
  writeFileSync(join(project, 'program.ts'), PROGRAM)
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

test('has one version', () => {
  expect(JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')).version).toBe(VERSION)
})

test('has the files that are listed, and nothing else', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: PACKAGE })
  const [{ files }] = JSON.parse(stdout)
  const paths = files.map(({ path }: { path: string }) => path).toSorted()
  await expect(`${paths.join('\n')}\n`).toMatchFileSnapshot('../../packages/client/files.txt')
})

test('is what publint and attw call right', async () => {
  await run(join(BIN, 'publint'), ['--strict'], { cwd: PACKAGE })
  await run(join(BIN, 'attw'), [join(project, `latchkey-${VERSION}.tgz`), '--profile', 'esm-only'], { cwd: PACKAGE })
})

test('costs no more than 3 kB where an application checks sessions', async () => {
  const bundle = async (...plugins: Plugin[]) => {
    const { outputFiles } = await build({
      stdin: { contents: "export { createClient } from 'latchkey'", resolveDir: project },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      plugins,
    })
    return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length
  }
  // What follows a session until its end is loaded by who uses it.
  const bytes = await bundle({
    name: 'loaded later',
    setup: (setup) => setup.onResolve({ filter: /^\.\/ended\.js$/ }, ({ path }) => ({ path, external: true })),
  })
  const whole = await bundle()
  console.log(`the check path: ${bytes} bytes; with what follows a session: ${whole}`)
  expect(bytes).toBeLessThanOrEqual(LIMIT_BYTES)
  // Else it is loaded with the rest.
  expect(whole).toBeGreaterThan(bytes + 1_000)
})

test.each(['bundler', 'nodenext'])('is typed under moduleResolution %s', async (resolution) => {
  const module = resolution === 'bundler' ? 'esnext' : 'nodenext'
  const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', module, '--moduleResolution', resolution]
  const lib = ['--lib', 'es2023,dom,dom.iterable']
  for (const compiler of [join(BIN, 'tsc'), join(PACKAGE, 'node_modules/.bin/tsc')]) {
    const done = await run(compiler, [...flags, ...lib, 'program.ts'], { cwd: project }).catch((error) => error)
    expect(done.stdout).toBe('')
  }
})

/** The Node that the machine has, beside the project's own. */
function nodes(): string[] {
  const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'))
  const machines = execFileSync('sh', ['-c', 'command -v node'], { env: { PATH: path.join(':') }, encoding: 'utf8' })
  return [...new Set([process.execPath, machines.trim()])]
}

test('runs in every Node that there is', async () => {
  const { outputFiles } = await build({ entryPoints: [join(project, 'program.ts')], write: false, format: 'esm' })
  const text = outputFiles[0]?.text ?? ''
  writeFileSync(join(project, 'program.mjs'), `${text}\nconsole.log(process.versions.node, await main())`)
  for (const node of nodes()) {
    const { stdout } = await run(node, ['program.mjs'], { cwd: project })
    console.log(stdout.trim())
    expect(stdout).toMatch(/^\d+\.\d+\.\d+ 401 ada\n$/)
  }
})

test.skipIf(bun === undefined)('runs in Bun', async () => {
  // Bun reads TypeScript itself.
  writeFileSync(
    join(project, 'in-bun.ts'),
    "import { main } from './program.ts'\nconsole.log(Bun.version, await main())",
  )
  const { stdout } = await run(bun ?? '', ['in-bun.ts'], { cwd: project })
  console.log(`Bun ${stdout.trim()}`)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+ 401 ada\n$/)
})

test('runs in workerd', async () => {
  const out = join(project, 'worker')
  mkdirSync(out)
  const { outputFiles } = await build({
    stdin: {
      contents: "import { main } from './program.ts'\nexport default { fetch: async () => new Response(await main()) }",
      resolveDir: project,
    },
    bundle: true,
    write: false,
    format: 'esm',
  })
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          name: 'consumer',
          modules: [{ type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0]?.text ?? '' }],
          compatibilityDate: '2026-10-01',
        },
      ],
    }),
  )
  try {
    expect(await (await worker.dispatchFetch('http://app.pie.example/')).text()).toBe('401 ada')
  } finally {
    await worker.dispose()
  }
})

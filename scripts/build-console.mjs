// Builds the console into a folder, dist/assets if none is named: content-hashed scripts and styles, and the page that
// loads them. Nothing of it enters the Worker's bundle.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { writeWhole } from './whole-file.mjs'

const SCRIPT = fileURLToPath(import.meta.url)
const root = resolve(dirname(SCRIPT), '..')
const target = resolve(process.argv[2] ?? join(root, 'dist/assets'))
const GENERATED = join(root, 'packages/client/src/generated')
/** What was built last: a build takes as much as all the rest of a start, and each change of the Worker asks for one. */
const LAST = join(root, 'node_modules/.cache/latchkey/console.json')

// `npm run check` keeps the client of the operator API up to date; a fresh clone has none.
if (!existsSync(join(GENERATED, 'sdk.gen.ts')))
  execFileSync(process.execPath, [join(root, 'packages/client/build/generate.mjs')], { stdio: 'inherit' })

const key = keyOfSources()
const built = builtBefore(key) ?? (await buildAnew(key))

const drafts = dirname(target)
for (const [name, contents] of built) writeWhole(join(target, name), contents, { drafts })
for (const file of readdirSync(join(target, 'console'))) {
  if (!built.has(`console/${file}`)) rmSync(join(target, 'console', file))
}

/** The same for the same sources, packages and options. */
function keyOfSources() {
  const hash = createHash('sha256')
  const folders = [join(root, 'console'), GENERATED]
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  for (const path of [...files.sort(), join(root, 'package-lock.json'), SCRIPT]) {
    const contents = readFileSync(path)
    hash.update(`${relative(root, path)}\n${contents.length}\n`).update(contents)
  }
  return hash.digest('hex')
}

/** The files by their names in the target; null if they were built of something else, or never. */
function builtBefore(wanted) {
  if (!existsSync(LAST)) return null
  const last = JSON.parse(readFileSync(LAST, 'utf8'))
  if (last.key !== wanted) return null
  return new Map(last.files.map(([name, contents]) => [name, Buffer.from(contents, 'base64')]))
}

async function buildAnew(from) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { console: 'console/main.tsx' },
    outdir: join(target, 'console'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2024',
    jsx: 'automatic',
    minify: true,
    legalComments: 'linked',
    metafile: true,
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  const name = (path) => relative(target, resolve(root, path)).replaceAll('\\', '/')
  const [script, { cssBundle: style }] = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint === 'console/main.tsx',
  )
  const page = readFileSync(join(root, 'console/index.html'), 'utf8')
    .replace('%SCRIPT%', `/${name(script)}`)
    .replace('%STYLE%', `/${name(style)}`)
  const files = [...outputFiles.map(({ path, contents }) => [name(path), contents]), ['console.html', page]]
  const encoded = files.map(([path, contents]) => [path, Buffer.from(contents).toString('base64')])
  writeWhole(LAST, JSON.stringify({ key: from, files: encoded }))
  return new Map(files)
}

// Builds the console into a folder, dist/assets if none is named: content-hashed scripts and styles, and the page that
// loads them. Nothing of it enters the Worker's bundle.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { writeWhole } from './whole-file.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const target = resolve(process.argv[2] ?? join(root, 'dist/assets'))

// `npm run check` keeps the client of the operator API up to date; a fresh clone has none.
if (!existsSync(join(root, 'packages/client/src/generated/sdk.gen.ts')))
  execFileSync(process.execPath, [join(root, 'packages/client/build/generate.mjs')], { stdio: 'inherit' })

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

const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'console/main.tsx')
const name = (path) => relative(target, resolve(root, path)).replaceAll('\\', '/')
const page = readFileSync(join(root, 'console/index.html'), 'utf8')
  .replace('%SCRIPT%', `/${name(entry[0])}`)
  .replace('%STYLE%', `/${name(entry[1].cssBundle)}`)

const drafts = dirname(target)
for (const { path, contents } of outputFiles) writeWhole(path, contents, { drafts })
writeWhole(join(target, 'console.html'), page, { drafts })
const made = new Set(outputFiles.map(({ path }) => path))
for (const file of readdirSync(join(target, 'console'))) {
  const path = join(target, 'console', file)
  if (!made.has(path)) rmSync(path)
}

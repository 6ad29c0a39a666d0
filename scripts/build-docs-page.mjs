// Fills a folder, dist/assets if none is named, with the reference page that is served at /docs. Wrangler runs this
// before every bundle, so it is quick, and it touches only files that differ: a touched asset restarts `wrangler dev`.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeWhole } from './whole-file.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
const target = resolve(process.argv[2] ?? join(root, 'dist/assets'))

const sources = new Map([
  ['_headers', join(root, 'docs-page/_headers')],
  ['docs.html', join(root, 'docs-page/docs.html')],
  ['docs/reference.js', join(root, 'docs-page/reference.js')],
  ['docs/reference.css', join(root, 'docs-page/reference.css')],
  ['docs/swagger-ui.css', join(swagger, 'swagger-ui.css')],
  ['docs/swagger-ui-bundle.js', join(swagger, 'swagger-ui-bundle.js')],
  ['docs/swagger-ui-bundle.js.LICENSE.txt', join(swagger, 'swagger-ui-bundle.js.LICENSE.txt')],
  ['docs/favicon-32x32.png', join(swagger, 'favicon-32x32.png')],
])

mkdirSync(join(target, 'docs'), { recursive: true })
for (const [name, source] of sources) {
  writeWhole(join(target, name), readFileSync(source), { drafts: dirname(target) })
}
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (relative(target, path).startsWith('console')) continue
  if (entry.isFile() && !sources.has(relative(target, path).replaceAll('\\', '/'))) rmSync(path)
}

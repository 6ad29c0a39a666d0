// Generates `src/generated/` from the OpenAPI document for operators: what `latchkey/operator` is made of. Does nothing
// where the document has not changed.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { facade } from './facade.mjs'
import { openApi } from './openapi.mjs'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(PACKAGE, 'src/generated')
const STAMP = join(OUT, '.made-from')

const document = await openApi()
const text = JSON.stringify(document)
const wanted = createHash('sha256')
  .update(text)
  .update(readFileSync(join(PACKAGE, 'package.json')))
  .update(readFileSync(join(PACKAGE, 'build/facade.mjs')))
  .digest('hex')
const present = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : ''
if (present !== wanted) {
  // The generator needs the compiler's API, which the project's own compiler has no more.
  const compiler = pathToFileURL(createRequire(import.meta.url).resolve('typescript')).href
  registerHooks({
    resolve: (name, context, next) =>
      name === 'typescript' ? { url: compiler, shortCircuit: true } : next(name, context),
  })
  const { createClient } = await import('@hey-api/openapi-ts')
  const input = join(PACKAGE, 'node_modules/.cache/openapi.json')
  mkdirSync(dirname(input), { recursive: true })
  writeFileSync(input, text)
  rmSync(OUT, { recursive: true, force: true })
  await createClient({
    input,
    output: { path: OUT, module: { extension: '.ts' }, header: ['// Generated from the OpenAPI document.'] },
    logs: { level: 'silent', file: false },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
  })
  writeFileSync(join(OUT, 'facade.gen.ts'), facade(document))
  writeFileSync(STAMP, wanted)
}

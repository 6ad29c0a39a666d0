// Builds the package: generates what the OpenAPI document says, and compiles.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const ROOT = join(PACKAGE, '../..')

await import('./generate.mjs')
rmSync(join(PACKAGE, 'dist'), { recursive: true, force: true })
const compiler = join(dirname(createRequire(join(ROOT, 'package.json')).resolve('typescript/package.json')), 'bin/tsc')
execFileSync(process.execPath, [compiler, '-p', PACKAGE], { stdio: 'inherit' })

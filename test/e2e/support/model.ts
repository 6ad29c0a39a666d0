/**
 * Before the files that are served: `npm run dev` is run once, so that not every one waits until it has made the demo
 * store, and the Workers are bundled. Mutants are caught elsewhere: what is broken later is not in the bundle.
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { unstable_getMiniflareWorkerOptions as optionsOf } from 'wrangler'
import { freePort } from '../../support/free-port.ts'
import { startDev } from './dev-server.ts'
import type { Model } from './model-service.ts'
import { copyProject } from './project-copy.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

export default async function makeModel({ provide }: TestProject): Promise<() => void> {
  const project = copyProject()
  const server = await startDev(project.directory, ['--port', String(await freePort())])
  await server.stop()
  const state = join(project.directory, '.wrangler/state')
  const workers = await Promise.all(
    [
      ['latchkey', 'latchkey'],
      ['latchkey-application-server', 'application-server'],
    ].map(async ([name = '', folder = '']) => {
      const config = join(state, 'dev', folder, 'wrangler.json')
      const bundle = join(project.directory, 'dist', folder)
      const wrangler = join(ROOT, 'node_modules/.bin/wrangler')
      // The pages are there already.
      const { build: _build, ...unbuilt } = JSON.parse(readFileSync(config, 'utf8'))
      const plain = join(state, 'dev', folder, 'bundle.json')
      writeFileSync(plain, JSON.stringify(unbuilt))
      await run(wrangler, ['deploy', '--dry-run', '--outdir', bundle, '-c', plain], { cwd: project.directory })
      // Rules are for files that are looked for: the bundle is one.
      const { modulesRules: _, rootPath: __, ...options } = optionsOf(config).workerOptions
      return { name, bundle: join(bundle, 'index.js'), options }
    }),
  )
  const model: Model = { state, credentials: server.credentials, workers: JSON.parse(JSON.stringify(workers)) }
  provide('model', model)
  return project.remove
}

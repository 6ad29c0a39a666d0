/**
 * Before any file of tests: the client is built, since those that need it run at the same time and a build begins by
 * deleting; and `npm run dev` has been run once, so that not every file waits until it has made the demo store.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { unstable_getMiniflareWorkerOptions as optionsOf } from 'wrangler'
import { freePort } from '../../support/free-port.ts'
import { startDev } from './dev-server.ts'
import { copyProject } from './project-copy.ts'
import type { Model } from './served.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

export default async function setUp({ provide }: TestProject): Promise<() => void> {
  const built = run('npm', ['run', '-s', 'build', '-w', 'latchkey'], { cwd: ROOT })
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
      await run(wrangler, ['deploy', '--dry-run', '--outdir', bundle, '-c', config], { cwd: project.directory })
      // Rules are for files that are looked for: the bundle is one.
      const { modulesRules: _, rootPath: __, ...options } = optionsOf(config).workerOptions
      return { name, bundle: join(bundle, 'index.js'), options }
    }),
  )
  await built
  const model: Model = { state, credentials: server.credentials, workers: JSON.parse(JSON.stringify(workers)) }
  provide('model', model)
  return project.remove
}

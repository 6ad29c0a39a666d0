/**
 * The Worker as it is shipped, with the example application server and the demo store, in a workerd and a persist
 * directory of its own. It is what `npm run dev` serves, without wrangler, whose start takes more than most tests.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { lookInLog } from '../../support/secrets-shown.ts'
import { type DevCredentials, processesOf } from './dev-server.ts'
import { credentialsAt, type Model, startModel } from './model-service.ts'
import { watchService } from './watched-services.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly model: Model
  }
}

export interface Served {
  readonly credentials: DevCredentials
  readonly persistTo: string
  /** The Worker's own socket: nothing of the local runtime's is before it, which answers broken requests itself. */
  readonly socket: URL
  readonly stop: () => Promise<void>
  /** Does what the platform does at the times that wrangler.toml names. */
  readonly runCron: (cron: string) => Promise<void>
  /** SIGKILL to workerd. */
  readonly kill: () => Promise<void>
  /** Starts it again, on the same port, with what it has stored. */
  readonly restart: () => Promise<void>
}

/** Starts it. `variables` are instead of those of wrangler.toml; `cf` is what each request says of where it is from. */
export async function serve(
  variables: Record<string, string> = {},
  cf: Record<string, string> | false = false,
): Promise<Served> {
  const model = inject('model')
  const { workers } = model
  const persistTo = mkdtempSync(join(tmpdir(), 'latchkey-served-'))
  const port = await freePort()
  const credentials = credentialsAt(model, port)
  const start = () => startModel(model, { port, persistTo, variables, cf, logged: (line) => lookInLog([line]) })
  watchService(credentials.base_url, { credentials, bindings: workers.map(({ options }) => options.bindings) })
  let miniflare = start()
  await miniflare.ready
  return {
    credentials,
    persistTo,
    socket: await miniflare.unsafeGetDirectURL(workers[0]?.name ?? ''),
    async stop() {
      await miniflare.dispose()
      rmSync(persistTo, { recursive: true, force: true })
    },
    async runCron(cron) {
      const worker = await miniflare.getWorker(workers[0]?.name)
      await worker.scheduled({ cron })
    },
    async kill() {
      const entry = `=entry=127.0.0.1:${port} `
      const runtimes = processesOf(process.pid).filter(({ args }) => args.includes(entry))
      if (runtimes.length !== 1) throw new Error(`${runtimes.length} runtimes found`)
      for (const { pid } of runtimes) process.kill(pid, 'SIGKILL')
      await miniflare.dispose()
    },
    async restart() {
      miniflare = start()
      await miniflare.ready
    },
  }
}

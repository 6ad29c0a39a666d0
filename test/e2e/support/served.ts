/**
 * The Worker as it is shipped, with the example application server and the demo store, in a workerd and a persist
 * directory of its own. It is what `npm run dev` serves, without wrangler, whose start takes more than most tests.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { inject } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { lookInLog } from '../../support/secrets-shown.ts'
import { type DevCredentials, processesOf } from './dev-server.ts'
import { watchService } from './watched-services.ts'

/** What `npm run dev` has made (model.ts). */
export interface Model {
  /** A persist directory, which nobody uses. */
  readonly state: string
  readonly credentials: DevCredentials
  /** The Workers, the first one of which answers: their bundles, and how wrangler would run them. */
  readonly workers: readonly { name: string; bundle: string; options: { bindings: Record<string, string> } }[]
}

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
  const { state, credentials, workers } = inject('model')
  const persistTo = mkdtempSync(join(tmpdir(), 'latchkey-served-'))
  cpSync(join(state, 'v3'), join(persistTo, 'v3'), { recursive: true })
  const port = await freePort()
  const own = { PUBLIC_ORIGINS: `http://127.0.0.1:${port},http://localhost:${port}`, ...variables }
  const start = () =>
    new Miniflare(
      convertV4MiniflareOptions({
        cf,
        host: '127.0.0.1',
        port,
        resourcePersistencePath: join(persistTo, 'v3'),
        handleStructuredLogs: ({ message }) => lookInLog([message]),
        workers: workers.map(({ name, bundle, options }, index) => ({
          ...options,
          name,
          modules: [{ type: 'ESModule', path: 'index.js', contents: readFileSync(bundle, 'utf8') }],
          ...(index === 0 && {
            bindings: { ...options.bindings, ...own },
            unsafeDirectSockets: [{ host: '127.0.0.1' }],
          }),
        })),
      }),
    )
  watchService(`http://127.0.0.1:${port}`, { credentials, bindings: workers.map(({ options }) => options.bindings) })
  let miniflare = start()
  await miniflare.ready
  return {
    credentials: { ...credentials, base_url: `http://127.0.0.1:${port}` },
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

/** Starts the Workers of a model (model.ts) in a workerd: what `npm run dev` serves, without wrangler, whose start takes long. */
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import type { DevCredentials } from './dev-server.ts'

/** What `npm run dev` has made. */
export interface Model {
  /** A persist directory, which nobody uses. */
  readonly state: string
  readonly credentials: DevCredentials
  /** The Workers, the first one of which answers: their bundles, and how wrangler would run them. */
  readonly workers: readonly { name: string; bundle: string; options: { bindings: Record<string, string> } }[]
}

export interface ModelServiceOptions {
  readonly port: number
  /** Has a copy of the model's state, or gets one. */
  readonly persistTo: string
  /** Instead of those of wrangler.toml. */
  readonly variables: Readonly<Record<string, string>>
  /** What each request says of where it is from. */
  readonly cf?: Record<string, string> | false
  /** Told of each line that it logs. */
  readonly logged: (line: string) => void
}

/** Starts it; it is `ready` later. */
export function startModel({ state, workers }: Model, options: ModelServiceOptions): Miniflare {
  const { port, persistTo, variables, cf = false, logged } = options
  const kept = join(persistTo, 'v3')
  if (!existsSync(kept)) cpSync(join(state, 'v3'), kept, { recursive: true })
  const own = { PUBLIC_ORIGINS: `http://127.0.0.1:${port},http://localhost:${port}`, ...variables }
  return new Miniflare(
    convertV4MiniflareOptions({
      cf,
      host: '127.0.0.1',
      port,
      resourcePersistencePath: kept,
      handleStructuredLogs: ({ message }) => logged(message),
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
}

/** The credentials of a service on a port. */
export function credentialsAt({ credentials }: Model, port: number): DevCredentials {
  return { ...credentials, base_url: `http://127.0.0.1:${port}` }
}

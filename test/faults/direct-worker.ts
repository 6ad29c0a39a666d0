/** The Worker as it is shipped, on workerd's own socket, with a migrated database and limits that do not answer for it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readD1Migrations } from '@cloudflare/vitest-plugin'
import { convertV4MiniflareOptions, Miniflare, type WorkerdStructuredLog } from 'miniflare'
import { unstable_readConfig } from 'wrangler'
import type { Model } from '../e2e/support/model-service.ts'
import { requireNoLeaks, watchAnswers, watchService } from '../e2e/support/watched-services.ts'
import { SECRETS } from '../support/secrets.ts'
import { lookInLog } from '../support/secrets-shown.ts'

const ROOT = join(import.meta.dirname, '../..')
/** The Worker's. */
export const NAME = 'latchkey'
const BESIDE = 'latchkey-beside'
const ENVIRONMENT = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
}

export interface DirectWorkerOptions {
  /** Instead of those of wrangler.toml. */
  readonly variables: Readonly<Record<string, string>>
  /** Of every gate: calls a minute. */
  readonly gateLimit: number
  /** Told of each line that it logs. */
  readonly logged: (log: WorkerdStructuredLog) => void
  /** Where its state is kept. Default: nowhere. */
  readonly persistTo?: string
  /** Which one it is. Default: this project's. */
  readonly version?: Version
  /** Another one beside it, on the same database, whose objects are those of the first. */
  readonly beside?: Version
}

/** The Worker of one state of the project. */
export interface Version {
  /** The project's folder. */
  readonly root: string
  readonly script: string
}

export interface DirectWorker {
  readonly url: URL
  /** Of the one beside it. */
  readonly urlBeside: URL | null
  /** Where its runtime is inspected. */
  readonly inspector: URL
  /** Rows of its database. */
  readonly rows: (sql: string, ...values: readonly string[]) => Promise<readonly Record<string, unknown>[]>
  /** Rejects if a secret was logged or answered. */
  readonly stop: () => Promise<void>
}

/** Of wrangler.toml. */
interface ObjectBinding {
  readonly name: string
  readonly class_name: string
}

/** The same. */
interface Gate {
  readonly name: string
  readonly namespace_id: string
  readonly simple: { readonly limit: number; readonly period: 10 | 60 }
}

/** Makes the bundle of a state of the project, with the packages of this one; takes the tests' own where they made it. */
export async function bundle(root: string): Promise<Version> {
  const { LATCHKEY_MODEL: model } = process.env
  if (root === ROOT && model !== undefined) {
    const [worker] = (JSON.parse(model) as Model).workers
    return { root, script: readFileSync(worker?.bundle ?? '', 'utf8') }
  }
  const out = mkdtempSync(join(tmpdir(), 'latchkey-bundle-'))
  const wrangler = join(ROOT, 'node_modules/.bin/wrangler')
  await promisify(execFile)(wrangler, ['deploy', '--dry-run', '--outdir', out], { cwd: root, env: ENVIRONMENT })
  const script = readFileSync(join(out, 'index.js'), 'utf8')
  rmSync(out, { recursive: true, force: true })
  return { root, script }
}

/** Starts it. It reaches nothing but its own bindings. */
export async function startDirectWorker(options: DirectWorkerOptions): Promise<DirectWorker> {
  const { version = await bundle(ROOT), beside, persistTo, logged } = options
  watchAnswers()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      inspectorPort: 0,
      handleStructuredLogs: (log) => {
        lookInLog([log.message])
        logged(log)
      },
      ...(persistTo === undefined ? {} : { resourcePersistencePath: persistTo }),
      workers: [workerOf(version, options, NAME), ...(beside === undefined ? [] : [workerOf(beside, options, BESIDE)])],
    }),
  )
  try {
    const database = await miniflare.getD1Database('DB')
    await database.prepare('CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE)').run()
    const { results: there } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
    for (const { name, queries } of await readD1Migrations(join(version.root, 'migrations'))) {
      if (there.some((one) => one.name === name)) continue
      const applied = database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)
      await database.batch([...queries.map((query) => database.prepare(query)), applied])
    }
    const url = await miniflare.unsafeGetDirectURL(NAME)
    const urlBeside = beside === undefined ? null : await miniflare.unsafeGetDirectURL(BESIDE)
    for (const one of [url, urlBeside]) if (one !== null) watchService(one.origin, SECRETS)
    return {
      url,
      urlBeside,
      inspector: await miniflare.getInspectorURL(),
      async rows(sql, ...values) {
        return (
          await database
            .prepare(sql)
            .bind(...values)
            .all()
        ).results
      },
      async stop() {
        await miniflare.dispose()
        await requireNoLeaks()
      },
    }
  } catch (error) {
    await miniflare.dispose()
    throw error
  }
}

/** How wrangler would run it. */
function workerOf({ root, script }: Version, { variables, gateLimit }: DirectWorkerOptions, name: string) {
  const config = unstable_readConfig({ config: join(root, 'wrangler.toml') })
  const objects = config.durable_objects.bindings as readonly ObjectBinding[]
  return {
    name,
    modules: [{ type: 'ESModule' as const, path: 'index.js', contents: script }],
    compatibilityDate: config.compatibility_date ?? '',
    compatibilityFlags: config.compatibility_flags,
    bindings: { ...config.vars, ...SECRETS, ...variables } as Record<string, string>,
    d1Databases: ['DB'],
    kvNamespaces: ['CONFIG'],
    durableObjects: Object.fromEntries(
      objects.map((binding) => [
        binding.name,
        { className: binding.class_name, useSQLite: true, ...(name === NAME ? {} : { scriptName: NAME }) },
      ]),
    ),
    ratelimits: Object.fromEntries(
      (config.ratelimits as readonly Gate[]).map(({ name: gate, namespace_id, simple }) => [
        gate,
        { namespace_id, simple: { ...simple, limit: gateLimit } },
      ]),
    ),
    outboundService: () => new Response('nobody is here', { status: 503 }),
    unsafeDirectSockets: [{ host: '127.0.0.1' }],
  }
}

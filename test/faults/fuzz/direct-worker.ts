/** The Worker as it is shipped, on workerd's own socket, with a migrated database and limits that do not answer for it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readD1Migrations } from '@cloudflare/vitest-plugin'
import { convertV4MiniflareOptions, Miniflare, type WorkerdStructuredLog } from 'miniflare'
import { unstable_readConfig } from 'wrangler'
import { SECRETS } from '../../support/secrets.ts'

const ROOT = join(import.meta.dirname, '../../..')
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
}

export interface DirectWorker {
  readonly url: URL
  /** Rows of its database. */
  readonly rows: (sql: string, ...values: readonly string[]) => Promise<readonly Record<string, unknown>[]>
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

/** Starts it. It reaches nothing but its own bindings. */
export async function startDirectWorker({ variables, gateLimit, logged }: DirectWorkerOptions): Promise<DirectWorker> {
  const out = mkdtempSync(join(tmpdir(), 'latchkey-direct-'))
  const wrangler = join(ROOT, 'node_modules/.bin/wrangler')
  await promisify(execFile)(wrangler, ['deploy', '--dry-run', '--outdir', out], { cwd: ROOT, env: ENVIRONMENT })
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') })
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      handleStructuredLogs: logged,
      workers: [
        {
          name: 'latchkey',
          modules: [{ type: 'ESModule', path: 'index.js', contents: readFileSync(join(out, 'index.js'), 'utf8') }],
          compatibilityDate: config.compatibility_date ?? '',
          compatibilityFlags: config.compatibility_flags,
          bindings: { ...config.vars, ...SECRETS, ...variables } as Record<string, string>,
          d1Databases: ['DB'],
          kvNamespaces: ['CONFIG'],
          durableObjects: Object.fromEntries(
            (config.durable_objects.bindings as readonly ObjectBinding[]).map((binding) => [
              binding.name,
              { className: binding.class_name, useSQLite: true },
            ]),
          ),
          ratelimits: Object.fromEntries(
            (config.ratelimits as readonly Gate[]).map(({ name, namespace_id, simple }) => [
              name,
              { namespace_id, simple: { ...simple, limit: gateLimit } },
            ]),
          ),
          outboundService: () => new Response('nobody is here', { status: 503 }),
          unsafeDirectSockets: [{ host: '127.0.0.1' }],
        },
      ],
    }),
  )
  try {
    const database = await miniflare.getD1Database('DB')
    await database.prepare('CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE)').run()
    for (const { name, queries } of await readD1Migrations(join(ROOT, 'migrations'))) {
      const applied = database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)
      await database.batch([...queries.map((query) => database.prepare(query)), applied])
    }
    const url = await miniflare.unsafeGetDirectURL('latchkey')
    return {
      url,
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
        rmSync(out, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await miniflare.dispose()
    throw error
  }
}

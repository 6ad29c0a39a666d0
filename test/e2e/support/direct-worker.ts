/** The Worker on workerd's own socket, without the proxies of `wrangler dev`, which answer broken requests themselves. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_readConfig } from 'wrangler'
import { SECRETS } from '../../support/secrets.ts'

const ROOT = join(import.meta.dirname, '../../..')
const ENVIRONMENT = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
}

export interface DirectWorker {
  readonly url: URL
  readonly stop: () => Promise<void>
}

/** Bundles the Worker as it is shipped and starts it on a socket of its own. Its storage is empty, without a schema. */
export async function startDirectWorker(): Promise<DirectWorker> {
  const out = mkdtempSync(join(tmpdir(), 'latchkey-direct-'))
  const wrangler = join(ROOT, 'node_modules/.bin/wrangler')
  await promisify(execFile)(wrangler, ['deploy', '--dry-run', '--outdir', out], { cwd: ROOT, env: ENVIRONMENT })
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') })
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          name: 'latchkey',
          modules: [{ type: 'ESModule', path: 'index.js', contents: readFileSync(join(out, 'index.js'), 'utf8') }],
          compatibilityDate: config.compatibility_date ?? '',
          compatibilityFlags: config.compatibility_flags,
          bindings: { ...config.vars, ...SECRETS } as Record<string, string>,
          d1Databases: ['DB'],
          kvNamespaces: ['CONFIG'],
          durableObjects: {
            USERS: { className: 'UserSessions', useSQLite: true },
            JOBS: { className: 'StoreJobs', useSQLite: true },
            HASHERS: { className: 'PasswordHasher', useSQLite: true },
          },
          ratelimits: { SIGN_IN_GATE: { namespace_id: '1001', simple: { limit: 300, period: 60 } } },
          unsafeDirectSockets: [{ host: '127.0.0.1' }],
        },
      ],
    }),
  )
  try {
    const url = await miniflare.unsafeGetDirectURL('latchkey')
    return {
      url,
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

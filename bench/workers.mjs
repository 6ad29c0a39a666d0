// Bundles a Worker and serves it in a workerd of its own, on workerd's own socket: neither `wrangler dev`'s
// proxy nor miniflare's entry Worker stands between the load and the Worker.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMPATIBILITY = { compatibilityDate: '2026-10-01', compatibilityFlags: ['nodejs_compat'] }
/** Stops that hang are not waited for. */
const STOP_TIMEOUT_MILLISECONDS = 5_000

/**
 * The code of a Worker in one module. `entry` is a path from the project's root; `instead` has modules, by how they are
 * imported, and paths of what stands in for them.
 */
export async function bundle(entry, instead = {}) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    // Packages for Node name its modules without the scheme.
    plugins: [
      { name: 'node', setup: (setup) => setup.onResolve({ filter: NODE_MODULE }, withScheme) },
      { name: 'instead', setup: (setup) => setup.onResolve({ filter: /^\.\// }, standIn(instead)) },
    ],
    logLevel: 'silent',
  })
  return outputFiles[0].text
}

const NODE_MODULE = /^(assert|async_hooks|buffer|crypto|events|path|process|stream|string_decoder|url|util)$/
const withScheme = ({ path }) => ({ path: `node:${path}`, external: true })
const standIn =
  (instead) =>
  ({ path }) =>
    path in instead ? { path: `${ROOT}${instead[path]}` } : undefined

/**
 * Serves a Worker, and others `beside` it in the same process. `worker` has miniflare's options for its bindings.
 * Answers its URL, the process id of its workerd, its D1, the URLs of the others and how to stop it.
 */
export async function serveWorker({ inspectorPort, beside = [], ...worker }) {
  const { name } = worker
  const workers = await Promise.all([worker, ...beside].map(served))
  const before = new Set(children().map(({ pid }) => pid))
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      log: new Log(LogLevel.ERROR),
      cf: false,
      ...(inspectorPort === undefined ? {} : { inspectorPort }),
      workers,
    }),
  )
  await miniflare.ready
  const urlOf = async (which) => (await miniflare.unsafeGetDirectURL(which)).origin
  const url = await urlOf(name)
  const found = children().find(({ pid, args }) => !before.has(pid) && args.includes('workerd'))
  if (found === undefined) throw new Error('workerd is not among the processes')
  return {
    url,
    urlOf,
    pid: found.pid,
    database: () => miniflare.getD1Database('DB', name),
    stop: () => Promise.race([miniflare.dispose(), new Promise((go) => setTimeout(go, STOP_TIMEOUT_MILLISECONDS))]),
  }
}

/** A Worker as miniflare takes it, on a socket of its own. */
async function served({ name, entry, instead, ...worker }) {
  return {
    name,
    modules: [{ type: 'ESModule', path: `${name}.mjs`, contents: await bundle(entry, instead) }],
    ...COMPATIBILITY,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    ...worker,
  }
}

/** Version of the workerd that serves every Worker. */
export function workerdVersion() {
  return createRequire(import.meta.url)('workerd/package.json').version
}

/** The processes that this one has started. */
function children() {
  return execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 16_777_216 })
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
      return Number(parent) === process.pid ? [{ pid: Number(pid), args }] : []
    })
}

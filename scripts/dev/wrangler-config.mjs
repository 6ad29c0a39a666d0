// What `wrangler dev` reads: made for one persist directory, so that two services of one checkout do not meet.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { writeWhole } from '../whole-file.mjs'

/** The example application server's own configuration; its database has its id from there. */
const APPLICATION_SERVER_CONFIG = 'examples/application-server/wrangler.toml'
const BINDING = { binding: 'APPLICATION_SERVER', service: 'latchkey-application-server' }

/**
 * Writes both Workers' configurations and secrets into `folder`, and answers the paths of the configurations; the
 * first one's Worker answers. A deployment has an application server of its own, or none: here it is the example,
 * whatever wrangler.toml binds. `secret` is what both of them share; `main` is instead of what wrangler.toml serves.
 */
export async function writeDevConfigs(root, folder, secret, main) {
  const latchkey = await rawConfig(root, 'wrangler.toml')
  const assets = join(folder, 'assets')
  const config = {
    ...latchkey,
    main: main ?? latchkey.main,
    // `wrangler dev` would run none by itself, and warn of it: npm run dev runs what must be (dev.mjs).
    triggers: { crons: [] },
    services: [...(latchkey.services ?? []).filter(({ binding }) => binding !== BINDING.binding), BINDING],
    assets: { ...latchkey.assets, directory: assets },
    build: {
      command: ['docs-page', 'console']
        .map((name) => ['node', join(root, `scripts/build-${name}.mjs`), assets])
        .map((words) => words.map((word) => JSON.stringify(word)).join(' '))
        .join(' && '),
      cwd: root,
      // Of all paths these must be relative.
      watch_dir: ['src', 'console'].map((name) => relative(join(folder, 'latchkey'), join(root, name))),
    },
  }
  const theirs = await rawConfig(root, APPLICATION_SERVER_CONFIG)
  return [
    write(join(folder, 'latchkey'), root, config, readFileSync(join(root, '.dev.vars'))),
    write(
      join(folder, 'application-server'),
      dirname(join(root, APPLICATION_SERVER_CONFIG)),
      theirs,
      `APPLICATION_SERVER_SECRET=${secret}\n`,
    ),
  ]
}

/** Paths in a configuration are relative to it; these are for another folder. */
function write(folder, origin, config, secrets) {
  const moved = {
    ...config,
    main: resolve(origin, config.main),
    d1_databases: config.d1_databases.map((database) => ({
      ...database,
      migrations_dir: resolve(origin, database.migrations_dir),
    })),
  }
  const path = join(folder, 'wrangler.json')
  writeWhole(path, `${JSON.stringify(moved, null, 2)}\n`, { mode: 0o600 })
  writeWhole(join(folder, '.dev.vars'), secrets, { mode: 0o600 })
  return path
}

/** What wrangler reads in a file. It takes two seconds to be loaded, so what it read last is kept. */
async function rawConfig(root, name) {
  const text = readFileSync(join(root, name), 'utf8')
  const kept = join(root, 'node_modules/.cache/latchkey', `${name.replaceAll('/', '-')}.json`)
  const last = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : null
  if (last?.text === text) return last.rawConfig
  const { experimental_readRawConfig: readRawConfig } = (await import('wrangler')).default
  const { rawConfig } = readRawConfig({ config: join(root, name) })
  writeWhole(kept, JSON.stringify({ text, rawConfig }))
  return rawConfig
}

// Before `npx wrangler dev` serves: refuses a persist directory that another process has. Part of wrangler.toml's
// build, since nothing else of ours runs then. `npm run dev` takes its directory itself.
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InUse, lockDirectory, processes } from './directory-lock.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

if (process.env.WRANGLER_COMMAND === 'dev') {
  const wrangler = ancestors().find(({ args }) => /wrangler\S*\s(?:.*\s)?dev\b/.test(args))
  const persistTo = /--persist-to[= ](\S+)/.exec(wrangler?.args ?? '')?.[1]
  const directory = persistTo === undefined ? resolve(ROOT, '.wrangler/state') : resolve(persistTo)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  try {
    await lockDirectory(directory, [wrangler?.pid ?? process.ppid])
  } catch (error) {
    if (!(error instanceof InUse)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** The processes that this one comes from, nearest first. */
function ancestors() {
  const all = new Map(processes().map((running) => [running.pid, running]))
  const found = []
  for (let next = all.get(process.ppid); next !== undefined; next = all.get(next.parent)) found.push(next)
  return found
}

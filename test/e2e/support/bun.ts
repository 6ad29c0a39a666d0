/** Bun: the machine's own, where people have it; else, on Linux and x64, the one inside a package. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PACKED = join(import.meta.dirname, '../../../node_modules/@oven/bun-linux-x64/bin/bun')
const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'bun'))

/** Its executable, if any. CI must have one. */
export const bun = [process.env.BUN_PATH ?? '', ...onPath, PACKED].find((path) => path !== '' && existsSync(path))
if (bun === undefined) {
  if (process.env.CI !== undefined) throw new Error('there is no Bun on this machine')
  console.warn('No Bun was found (BUN_PATH may name one): the client is not tried in it.')
}

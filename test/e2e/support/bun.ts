/** Bun, where the machine has it; no package brings it. Tests in it are skipped elsewhere, with a line that says so. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'bun'))

/** Its executable, if any. */
export const bun = [process.env.BUN_PATH ?? '', ...onPath].find((path) => path !== '' && existsSync(path))
if (bun === undefined) console.warn('No Bun was found (BUN_PATH may name one): the client is not tried in it.')

// What is kept beside the data in the persist directory: the credentials, for clients, and what is ours. Other users of
// the machine read none of it: files of ours are 0600, and what wrangler keeps there is in folders that are 0700.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../whole-file.mjs'

/** Where wrangler keeps its state in a persist directory. */
const DATA = 'v3'
/** What is generated for `wrangler dev`. */
const GENERATED = 'dev'

/** The files of one persist directory. */
export function stateFiles(directory) {
  const credentials = join(directory, 'dev-credentials.json')
  const seed = join(directory, 'dev-seed.json')
  const cookies = join(directory, 'cookies.txt')
  return {
    credentialsPath: credentials,
    /** Where the curl lines that we print keep their cookie. */
    cookiesPath: cookies,
    generatedPath: join(directory, GENERATED),
    /** Makes the directory, and closes it to others unless it has things of somebody else's. */
    prepare() {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const entries = readdirSync(directory)
      if (entries.length === 0 || entries.includes(DATA)) chmodSync(directory, 0o700)
      for (const folder of [DATA, GENERATED]) {
        mkdirSync(join(directory, folder), { recursive: true })
        chmodSync(join(directory, folder), 0o700)
      }
    },
    readCredentials: () => read(credentials),
    writeCredentials: (value) => write(credentials, value),
    /** `{operator_token, keys}`: kept from the first moment on; `keys` are those that the data was written under. */
    readSeed: () => read(seed),
    writeSeed: (value) => write(seed, value),
    /** Forgets the data and everything that was made for it; other files in the directory stay. */
    reset() {
      for (const path of [join(directory, DATA), credentials, seed, cookies])
        rmSync(path, { recursive: true, force: true })
    },
  }
}

function read(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

function write(path, value) {
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
}

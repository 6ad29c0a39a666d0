// What is kept beside the data in the persist directory: the credentials, for clients, and the seed, for us.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files of one persist directory. */
export function stateFiles(directory) {
  const credentials = join(directory, 'dev-credentials.json')
  const seed = join(directory, 'dev-seed.json')
  const cookies = join(directory, 'cookies.txt')
  return {
    credentialsPath: credentials,
    /** Where the curl lines that we print keep their cookie. */
    cookiesPath: cookies,
    readCredentials: () => read(credentials),
    writeCredentials: (value) => write(directory, credentials, value),
    /** `{operator_token, keys}`: kept from the first moment on; `keys` are those that the data was written under. */
    readSeed: () => read(seed),
    writeSeed: (value) => write(directory, seed, value),
    /** Forgets the data and everything that was made for it; other files in the directory stay. */
    reset() {
      // `v3` is where wrangler keeps its state in a persist directory.
      for (const path of [join(directory, 'v3'), credentials, seed, cookies])
        rmSync(path, { recursive: true, force: true })
    },
  }
}

function read(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

/** Whole or not at all, and for the owner's eyes only. */
function write(directory, path, value) {
  mkdirSync(directory, { recursive: true })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

// The local secrets in `.dev.vars`, where `wrangler dev` reads them; made at the first start.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeWhole } from '../whole-file.mjs'

const KEY_RINGS = ['SESSION_TOKEN_KEYS', 'SEALING_KEYS']
const MAKERS = {
  SESSION_TOKEN_KEYS: () => `1:${randomBytes(32).toString('base64url')}`,
  SEALING_KEYS: () => `1:${randomBytes(32).toString('base64url')}`,
  APPLICATION_SERVER_SECRET: () => randomBytes(32).toString('base64url'),
  OPERATOR_BOOTSTRAP_SECRET: () => randomBytes(32).toString('base64url'),
}

/** The secrets in `path`, by name. What is missing there is made and added; what is there is kept. */
export function ensureSecrets(path) {
  const there = existsSync(path)
  const text = there ? readFileSync(path, 'utf8') : ''
  const secrets = parse(text)
  const missing = Object.keys(MAKERS).filter((name) => !secrets.has(name))
  for (const name of missing) secrets.set(name, MAKERS[name]())
  const lines = missing.map((name) => `${name}=${secrets.get(name)}\n`).join('')
  const full = text === '' || text.endsWith('\n') ? text + lines : `${text}\n${lines}`
  if (there) writeWhole(path, full, { mode: 0o600 })
  else if (!create(path, full)) return ensureSecrets(path)
  return secrets
}

/** Of two services that start at once in a fresh checkout, one makes the secrets of both. */
function create(path, text) {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600 })
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}

/** One-way fingerprints of the keys, by ring and key id: what stored data was signed and sealed with. */
export function fingerprints(secrets) {
  return KEY_RINGS.flatMap((ring) =>
    (secrets.get(ring) ?? '').split(',').map((key) => {
      const digest = createHash('sha256').update(`${ring}=${key.trim()}`).digest('hex')
      return `${ring}/${key.trim().split(':')[0]}:${digest}`
    }),
  )
}

function parse(text) {
  const pairs = text.split('\n').map((line) => /^\s*(?:export\s+)?([A-Z_]+)\s*=\s*(.*?)\s*$/.exec(line))
  return new Map(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1], pair[2].replace(/^(['"])(.*)\1$/, '$2')]])))
}

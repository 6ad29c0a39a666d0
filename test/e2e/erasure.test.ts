/** What a local server has in its files of a user who was deleted: in every table, and byte for byte. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { queryDatabaseWith } from './support/local-database.ts'
import { serve } from './support/served.ts'

const TRACES = ['Zäphod-E', 'Beeblebrox-E', 'zaphod-e@gold.example', '198.51.100.77', 'laptop-E', 'Vogon-E/42']

/** The files below a folder, without those that SQLite keeps beside its databases. */
function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
}

/** As it may stand in a file: as it is, and as JSON escapes it. */
function spellings(trace: string): Buffer[] {
  const escaped = trace.replace(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [trace, escaped].flatMap((text) => [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')])
}

/** Which traces stand in which files, byte for byte. Of a database: in what it holds, without what it has freed. */
function found(folder: string): string[] {
  const copies = mkdtempSync(join(tmpdir(), 'latchkey-erasure-'))
  try {
    return filesOf(folder)
      .filter((file) => !/-(wal|shm)$/.test(file))
      .flatMap((file, index) => {
        let bytes = readFileSync(file)
        if (file.endsWith('.sqlite')) {
          // Of the whole: also of the platform's tables, of which no query of ours can ask.
          const whole = join(copies, `${index}.sqlite`)
          const database = new DatabaseSync(file)
          database.exec(`VACUUM INTO '${whole}'`)
          database.close()
          bytes = readFileSync(whole)
        }
        const there = TRACES.filter((trace) => spellings(trace).some((spelling) => bytes.includes(spelling)))
        return there.map((trace) => `${trace} in ${file.slice(folder.length + 1).replace(/[0-9a-f]{64}/, 'ID')}`)
      })
  } finally {
    rmSync(copies, { recursive: true })
  }
}

/** A copy of what a server has stored, as it is now. */
function copyOf(persistTo: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-erasure-'))
  cpSync(join(persistTo, 'v3'), copy, { recursive: true })
  return copy
}

test('no file holds anything of a deleted user, but its object, which is emptied an hour later', async () => {
  const server = await serve()
  const copies: string[] = []
  try {
    const { base_url: url, identity_store_id: id, operator_token: operator } = server.credentials
    const store = `/operator/identity-stores/${id}`
    const call = async (method: string, path: string, json: object | null, headers: Record<string, string> = {}) => {
      const body = json === null ? {} : { body: JSON.stringify(json) }
      const all = { authorization: `Bearer ${operator}`, 'content-type': 'application/json', ...headers }
      const answer = await fetch(`${url}${path}`, { method, headers: all, ...body })
      expect(answer.ok, `${method} ${path} answered ${answer.status}`).toBe(true)
      return answer
    }
    const user = { username: 'zaphod-e@gold.example', password: 'trillian loves mice' }
    await call('PUT', `${store}/events`, { enabled: true })
    const names = { first_name: 'Zäphod-E', last_name: 'Beeblebrox-E', email_address: user.username }
    await call('PUT', `${store}/users/zaphod`, { ...user, ...names })
    await call('POST', `${store}/credentials`, {
      kind: 'bearer',
      name: 'laptop-E',
      scopes: ['sessions:introspect'],
      owner_user_id: 'zaphod',
      address_allow_list: ['198.51.100.77'],
    })
    await call('POST', '/sessions', user, { authorization: '', 'user-agent': 'Vogon-E/42' })
    const records = "SELECT user_agent FROM sessions WHERE user_id = 'zaphod'"
    await expect.poll(() => queryDatabaseWith('sessions', server.persistTo, records)).toHaveLength(1)
    copies.push(copyOf(server.persistTo))
    const before = found(copies[0] ?? '')
    for (const trace of TRACES) expect(before.join('\n')).toContain(trace)

    await call('DELETE', `${store}/users/zaphod`, null)
    await server.kill()
    copies.push(copyOf(server.persistTo))
    const after = found(copies[1] ?? '')
    expect(after.filter((one) => !one.includes('UserSessions'))).toEqual([])
    expect(existsSync(join(copies[1] ?? '', 'd1'))).toBe(true)
  } finally {
    await server.stop().catch(() => undefined)
    for (const copy of copies) rmSync(copy, { recursive: true, force: true })
  }
})

/** The whole database is gone, and comes back as docs/runbook.md says: users by the operator API, sessions from their objects. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'
// @ts-expect-error: a script has no types
import { STORE, USERS } from '../../scripts/dev/demo-store.mjs'
// @ts-expect-error: a script has no types
import { applyMigrations } from '../../scripts/dev/migrations.mjs'
import { openLocalDatabase, queryDatabaseWith } from './support/local-database.ts'
import { serve } from './support/served.ts'

const REBUILD = join(import.meta.dirname, '../../scripts/rebuild.mjs')
const [john, ada, grace] = ['U0000000001', 'U0000000002', 'U0000000003']
const CONFIG = { overall_timeout_seconds: 7_200, concurrent_sessions: { limit: 3 } }

interface Ended {
  readonly end_reason: string
}

test('sessions are found again, live and ended, and who had changed the password since being made has none', async () => {
  const model = inject('model')
  const server = await serve()
  const { base_url: url, identity_store_id: id, users } = server.credentials
  let operator = server.credentials.operator_token
  const ask = (method: string, path: string, token: string | null, json?: object) =>
    fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    })
  const operate = async <Body = unknown>(method: string, path: string, json?: object) => {
    const answer = await ask(method, `/operator/identity-stores/${id}${path}`, operator, json)
    expect(answer.ok, `${method} ${path} answered ${answer.status}`).toBe(true)
    return (await answer.json()) as Body
  }
  const passwords = new Map(users.map((user) => [user.id, user.password]))
  const signIn = (userId: string) => {
    const username = users.find((user) => user.id === userId)?.username
    return ask('POST', '/sessions', null, { username, password: passwords.get(userId), transport: 'bearer' })
  }
  const open = async (userId: string) => {
    const answer = await signIn(userId)
    expect(answer.status).toBe(201)
    return (await answer.json()) as { token: string; id: string }
  }
  const check = async ({ token }: { token: string }) =>
    (await ask('GET', '/sessions/current?touch=false', token)).status
  const rows = (query: string) => queryDatabaseWith('sessions', server.persistTo, query)
  const records = () => rows('SELECT * FROM sessions ORDER BY session_id')

  try {
    await operate('PATCH', '/session-config', CONFIG)
    const [johns, johnsOther, adas, adasOther] = [await open(john), await open(john), await open(ada), await open(ada)]
    await ask('DELETE', '/sessions/current', johnsOther.token)
    await operate('POST', `/users/${ada}/sessions/end`, { session_ids: [adasOther.id] })
    const gracesFirst = await open(grace)
    passwords.set(grace, 'another one of Grace')
    await operate('PATCH', `/users/${grace}`, { password: passwords.get(grace) })
    const graces = await open(grace)
    const live = [johns, adas, graces]
    const ended = [johnsOther, adasOther, gracesFirst]
    await expect.poll(() => records().filter((row) => row.ended_at !== null)).toHaveLength(ended.length)
    await expect.poll(records).toHaveLength(live.length + ended.length)
    const ends = () => Promise.all(ended.map((session) => operate<Ended>('GET', `/sessions/${session.id}`)))
    const [recordsBefore, endsBefore] = [records(), await ends()]
    const hashes = new Map(
      rows('SELECT user_id, password_hash FROM users').map((row) => [row.user_id, row.password_hash]),
    )

    await server.kill()
    const database = openLocalDatabase(server.persistTo)
    const file = database.location() ?? ''
    database.close()
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    applyMigrations(server.persistTo, [join(model.state, 'dev/latchkey/wrangler.json')])
    await server.restart()
    expect(records()).toEqual([])
    expect(await Promise.all(live.map(check))).toEqual([200, 200, 200])

    const secret = model.workers[0]?.options.bindings.OPERATOR_BOOTSTRAP_SECRET ?? ''
    const first = await ask('POST', '/operator/bootstrap', secret, { name: 'first operator, again' })
    operator = ((await first.json()) as { token: string }).token
    await operate('PUT', '', STORE)
    await operate('PATCH', '/session-config', CONFIG)
    const again = (USERS as { user_id: string }[]).map((user) => ({ ...user, password_hash: hashes.get(user.user_id) }))
    const { results } = await operate<{ results: { status: number }[] }>('POST', '/users', { users: again })
    expect(results.filter(({ status }) => status !== 201)).toEqual([])
    // The password is of an epoch before the one that the object knows.
    expect((await signIn(grace)).status).toBe(401)
    const { stdout } = await promisify(execFile)(process.execPath, [REBUILD, '--url', url], {
      env: { ...process.env, OPERATOR_TOKEN: operator },
    })
    expect(stdout).toContain(`${id}: done`)

    await expect.poll(records).toEqual(recordsBefore)
    expect(await operate('GET', '/overview')).toMatchObject({ live_sessions: 3, users_with_sessions: 3 })
    expect(await Promise.all(live.map(check))).toEqual([200, 200, 200])
    expect(await Promise.all(ended.map(check))).toEqual([401, 401, 401])
    expect(await ends()).toEqual(endsBefore)
    expect(endsBefore.map(({ end_reason: reason }) => reason)).toEqual(['logout', 'revoked', 'password_changed'])

    const log = await operate<{ audit_events: { subject: string }[] }>('GET', '/audit-events?action=user.caught_up')
    expect(log.audit_events.map(({ subject }) => subject)).toEqual([`user:${grace}`])
    expect((await Promise.all([john, ada, grace].map(signIn))).map(({ status }) => status)).toEqual([201, 201, 401])
    await operate('PATCH', `/users/${grace}`, { password_hash: hashes.get(grace) })
    expect((await signIn(grace)).status).toBe(201)
    expect(await check(graces)).toBe(401)
  } finally {
    await server.stop().catch(() => undefined)
  }
})

import { env } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { hashPassword } from '../../src/identity/passwords.ts'
import worker from '../../src/index.ts'
import { openDatabase } from '../../src/store/database.ts'
import { identityStores, users } from '../../src/store/schema.ts'
import { insertSessionConfig } from '../../src/store/session-configs.ts'

test('a user signs in, is checked, and signs out', async () => {
  const db = openDatabase(env.DB)
  const now = Date.now()
  const hash = await hashPassword('secret')
  if (!hash.ok) throw new Error()
  await db.batch([
    db.insert(identityStores).values({
      identityStoreId: 's1',
      name: 'x',
      defaultLoginMode: 'LOCAL_LOGIN_SHARED',
      state: 'active',
      createdAt: now,
      updatedAt: now,
    }),
    insertSessionConfig(db, 's1', now),
    db.insert(users).values({
      identityStoreId: 's1',
      userId: 'u1',
      username: 'joe@x',
      passwordHash: hash.value,
      role: 'member',
      userLevel: 0,
      bot: false,
      active: true,
      statusVersion: 1,
      sessionsValidFrom: 0,
      createdAt: now,
      updatedAt: now,
    }),
  ])
  const ctx = { waitUntil: () => {}, passThroughOnException() {}, props: {} } as unknown as ExecutionContext
  const call = (path: string, init: RequestInit = {}) =>
    worker.fetch(new Request(`http://localhost:8787${path}`, init) as any, env as any, ctx)
  const opened = await call('/sessions', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent':
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36',
    },
    body: JSON.stringify({ username: 'joe@x', password: 'secret', transport: 'bearer' }),
  })
  const body = (await opened.json()) as any
  console.log(opened.status, body)
  expect(opened.status).toBe(201)
  const check = await call('/sessions/current', { headers: { authorization: `Bearer ${body.token}` } })
  console.log(check.status, await check.json())
  const list = await call('/sessions', { headers: { authorization: `Bearer ${body.token}` } })
  console.log(list.status, await list.json())
  const out = await call('/sessions/current', { method: 'DELETE', headers: { authorization: `Bearer ${body.token}` } })
  console.log(out.status)
  const dead = await call('/sessions/current', { headers: { authorization: `Bearer ${body.token}` } })
  console.log(dead.status, await dead.json())
  await new Promise((r) => setTimeout(r, 300))
  console.log(await env.DB.prepare('select * from sessions').all())
  for (const p of ['/openapi.json', '/healthz', '/nope', '/sessions/']) {
    const r = await call(p)
    console.log(p, r.status, (await r.text()).slice(0, 200))
  }
})

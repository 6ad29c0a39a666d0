import { createHash } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import {
  type Arrival,
  authenticateApiClient,
  authenticateBearer,
  checkUsable,
  findAccessKey,
  newAccessKey,
  newApiClient,
  newBearer,
  requireScope,
} from '../../src/auth/credentials.ts'
import { NO_STORE } from '../../src/domain/ids.ts'
import type { Client } from '../../src/domain/session.ts'
import { findCredential } from '../../src/store/credentials.ts'
import { credentials, identityStores } from '../../src/store/schema.ts'
import { countCalls } from '../support/counts.ts'
import { breakD1 } from '../support/faults.ts'
import { db, makeApiClient, makeBearer, makeOperator, makeStore } from '../support/stores.ts'

const CLIENT = { address: '192.0.2.1', userAgent: null }

function arrival(client: Client = CLIENT, now = Date.now()): Arrival {
  return { client, now }
}

async function codeOf(token: string, address: string | null = '192.0.2.1', now = Date.now()): Promise<string> {
  const request = new Request('http://x/', { headers: { authorization: `Bearer ${token}` } })
  const caller = await authenticateBearer(db, request, arrival({ address, userAgent: null }, now))
  return caller.ok ? 'ok' : caller.error.code
}

describe('a bearer credential', () => {
  test('names its caller', async () => {
    const identityStoreId = await makeStore()
    const token = await makeBearer(identityStoreId, ['sessions:open'])
    const request = new Request('http://x/', { headers: { authorization: `Bearer ${token}` } })
    const caller = await authenticateBearer(db, request, arrival())
    expect(caller).toMatchObject({
      ok: true,
      value: { identityStoreId, kind: 'bearer', ownerUserId: null, scopes: ['sessions:open'] },
    })
  })

  test('is refused without a look-up if it is misspelled, truncated, extended or altered anywhere', async () => {
    const token = await makeOperator()
    const counts = countCalls()
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'a' ? 'b' : 'a'
      const altered = token.slice(0, at) + other + token.slice(at + 1)
      expect(await codeOf(altered), `character ${at}`).toBe('unauthenticated')
    }
    expect(await codeOf(token.slice(0, -1))).toBe('unauthenticated')
    expect(await codeOf(`${token}0`)).toBe('unauthenticated')
    expect(await codeOf(token.toUpperCase())).toBe('unauthenticated')
    expect(counts.d1Statements).toBe(0)
  })

  test('with a good checksum and a wrong secret or an unknown id is refused by one look-up alike', async () => {
    const known = newBearer()
    const token = await makeOperator()
    const body = token.slice(0, 19) + known.secret
    const wrongSecret = body + createHash('sha256').update(body).digest('hex').slice(0, 8)
    for (const text of [wrongSecret, known.token]) {
      const counts = countCalls()
      expect(await codeOf(text)).toBe('unauthenticated')
      expect(counts.d1Statements).toBe(1)
    }
  })

  test('is known by its hash alone', async () => {
    const token = await makeOperator()
    const publicId = token.slice(3, 19)
    const row = await db.select().from(credentials).where(eq(credentials.publicId, publicId))
    expect(JSON.stringify(row)).not.toContain(token.slice(19, 62))
  })

  test('says that it has expired or was revoked', async () => {
    const now = Date.now()
    const expiring = await makeOperator({ expiresAt: now + 1000 })
    expect(await codeOf(expiring, null, now + 999)).toBe('ok')
    expect(await codeOf(expiring, null, now + 1000)).toBe('credential_expired')
    expect(await codeOf(await makeOperator({ revokedAt: now }))).toBe('credential_revoked')
  })

  test('works only from its addresses', async () => {
    const token = await makeOperator({ addressAllowList: ['192.0.2.0/24', '2001:db8::/32'] })
    expect(await codeOf(token, '192.0.2.200')).toBe('ok')
    expect(await codeOf(token, '2001:db8:1::1')).toBe('ok')
    expect(await codeOf(token, '192.0.3.1')).toBe('address_not_allowed')
    expect(await codeOf(token, null)).toBe('address_not_allowed')
  })

  test('of a deleted store is revoked; an operator needs no store', async () => {
    const identityStoreId = await makeStore()
    const token = await makeBearer(identityStoreId, [])
    expect(await codeOf(token)).toBe('ok')
    await db.update(identityStores).set({ deletedAt: 1 }).where(eq(identityStores.identityStoreId, identityStoreId))
    expect(await codeOf(token)).toBe('credential_revoked')
    expect(await codeOf(await makeOperator())).toBe('ok')
  })

  test('cannot be checked while D1 is down', async () => {
    const token = await makeOperator()
    breakD1()
    expect(await codeOf(token)).toBe('unavailable')
  })
})

describe('an API client', () => {
  test('is known by its id and secret', async () => {
    const identityStoreId = await makeStore()
    const { clientId, clientSecret } = await makeApiClient(identityStoreId, ['looker'])
    const caller = await authenticateApiClient(db, clientId, clientSecret, arrival())
    expect(caller).toMatchObject({ ok: true, value: { identityStoreId, kind: 'api_client', scopes: ['looker'] } })
    for (const [id, secret] of [
      [clientId, `${clientSecret}x`],
      [clientId, ''],
      [newApiClient().publicId, clientSecret],
      ['', clientSecret],
    ] as const) {
      const refused = await authenticateApiClient(db, id, secret, arrival())
      expect(refused).toEqual({ ok: false, error: { code: 'unauthenticated' } })
    }
  })

  test('is no bearer, and a bearer is no API client', async () => {
    const token = await makeOperator()
    const found = await findCredential(db, 'api_client', token.slice(3, 19))
    expect(found).toEqual({ ok: true, value: null })
    const { clientId } = await makeApiClient(await makeStore(), [])
    expect(await findCredential(db, 'bearer', clientId)).toEqual({ ok: true, value: null })
  })
})

describe('an access key', () => {
  test('is found with its sealed secret, whoever asks', async () => {
    const identityStoreId = await makeStore()
    const { publicId } = newAccessKey()
    await db.insert(credentials).values({
      identityStoreId,
      credentialId: 'key',
      kind: 'access_key',
      name: 'key',
      publicId,
      sealedSecret: 'sealed',
      scopes: '[]',
      createdAt: 0,
      revokedAt: 1,
    })
    const found = await findAccessKey(db, publicId)
    expect(found).toMatchObject({
      ok: true,
      value: { identityStoreId, credentialId: 'key', sealedSecret: 'sealed' },
    })
    if (!found.ok || found.value === null) throw new Error('not found')
    expect(checkUsable(found.value, CLIENT, 0)).toMatchObject({ error: { code: 'credential_revoked' } })
    expect(await findAccessKey(db, newAccessKey().publicId)).toEqual({ ok: true, value: null })
    expect(await findAccessKey(db, 'short')).toEqual({ ok: true, value: null })
  })
})

describe('new credentials', () => {
  test('have the shapes that their protocols expect, and never repeat', () => {
    const many = Array.from({ length: 100 }, () => ({
      bearer: newBearer(),
      client: newApiClient(),
      key: newAccessKey(),
    }))
    for (const { bearer, client, key } of many) {
      expect(bearer.token).toMatch(/^lk_[0-9a-f]{16}[A-Za-z0-9_-]{43}[0-9a-f]{8}$/)
      expect(client.publicId).toMatch(/^[A-Za-z0-9]{20}$/)
      expect(client.secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(key.publicId).toMatch(/^[A-Z0-9]{20}$/)
      expect(key.secret).toMatch(/^[A-Za-z0-9]{40}$/)
    }
    expect(new Set(many.flatMap(({ bearer, client, key }) => [bearer.secret, client.secret, key.secret])).size).toBe(
      300,
    )
  })
})

test('a scope that the caller lacks is named, with those it has', () => {
  const caller = {
    identityStoreId: NO_STORE,
    credentialId: 'c',
    kind: 'bearer',
    name: 'c',
    ownerUserId: null,
    scopes: ['looker'],
    limitedStoreIds: null,
    expiresAt: null,
  } as const
  expect(requireScope(caller, 'looker')).toEqual({ ok: true, value: caller })
  expect(requireScope(caller, 'operator')).toEqual({
    ok: false,
    error: { code: 'forbidden', needed: ['operator'], provided: ['looker'] },
  })
})

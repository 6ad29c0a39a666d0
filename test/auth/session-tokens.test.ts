import { describe, expect, test, vi } from 'vitest'
import { TOKEN_BYTES } from '../../src/domain/token.ts'
import { countCalls } from '../support/counts.ts'
import { check, send, signIn } from '../support/requests.ts'
import { makeBearer, makeUser } from '../support/stores.ts'
import { readToken, tokenKeys, tokenRing, workerWith } from '../support/variants.ts'

const bytesOf = (token: string) => Uint8Array.fromBase64(token, { alphabet: 'base64url' })
const textOf = (bytes: Uint8Array) => bytes.toBase64({ alphabet: 'base64url', omitPadding: true })

/** Everything that may be done to a good token without the key. */
function forgeries(token: string): string[] {
  const bytes = bytesOf(token)
  const altered = Array.from(bytes, (_, place) =>
    [0x01, 0x80, 0xff].map((mask) => textOf(bytes.map((byte, at) => (at === place ? byte ^ mask : byte)))),
  ).flat()
  const zeroed = Array.from(bytes, (_, place) => textOf(bytes.map((byte, at) => (at === place ? 0 : byte))))
  const truncated = Array.from(bytes, (_, length) => textOf(bytes.subarray(0, length)))
  const extended = [0, 1, 0xff].map((byte) => textOf(Uint8Array.of(...bytes, byte)))
  const respelled = [
    ...['=', '==', ' ', '\t', '.', '%', '%0A', '+', '/', 'A', 'é'].flatMap((more) => [
      `${token}${more}`,
      `${more}${token}`,
    ]),
    `${token.slice(0, 74)} ${token.slice(74)}`,
    `${token.slice(0, 1)}%${token.charCodeAt(1).toString(16)}${token.slice(2)}`,
    token.toLowerCase(),
    token.toUpperCase(),
    token.replaceAll('_', '/').replaceAll('-', '+'),
    bytes.toHex(),
    `"${token}"`,
    `${token}${token}`,
    `Bearer ${token}`,
  ]
  return [...new Set([...altered, ...zeroed, ...truncated, ...extended, ...respelled])].filter((text) => text !== token)
}

describe('a token that was tampered with', () => {
  test('is refused by the key ring, whatever was done to it', async () => {
    const { token } = await signIn(await makeUser())
    const tokens = tokenRing(1)
    const all = forgeries(token)
    expect(all.length).toBeGreaterThan(TOKEN_BYTES * 4)
    const accepted = await Promise.all(all.map(async (text) => ((await tokens.verify(text)) === null ? [] : text)))
    expect(accepted.flat()).toEqual([])
  })

  test('costs no call of anything, by cookie and by bearer, on every route', async () => {
    const session = await signIn(await makeUser())
    await check(session)
    const all = forgeries(session.token).filter((text) => /^[\x21-\x7e]+$/.test(text))
    const counts = countCalls()
    const answers = await Promise.all(
      all.flatMap((text) => [
        send('/sessions/current', { bearer: text }),
        send('/sessions/current', { cookie: text, headers: { 'cache-control': 'max-age=60' } }),
      ]),
    )
    expect(answers.filter(({ status }) => status !== 401)).toEqual([])
    const [forged] = all
    const { id } = session
    for (const carrier of [{ bearer: forged }, { cookie: forged }] as { bearer: string }[]) {
      expect((await send('/sessions', carrier)).status).toBe(401)
      expect((await send(`/sessions/${id}`, { method: 'DELETE', ...carrier })).status).toBe(401)
      expect((await send('/sessions?except=current', { method: 'DELETE', ...carrier })).status).toBe(401)
      expect((await send('/sessions/current', { method: 'DELETE', ...carrier })).status).toBe(204)
    }
    expect(counts).toEqual({ ...counts, objectCalls: 0, jobCalls: 0, d1Statements: 0, kvReads: 0, kvWrites: 0 })
    expect((await check(session)).status).toBe(200)
  })
})

describe('a genuine token in the wrong place', () => {
  test('of kind api is no web session, with no object call', async () => {
    const session = await signIn(await makeUser())
    const api = await tokenRing(1).sign({ ...(await readToken(session.token)), kind: 'api' })
    const bearer = await makeBearer(session.user.identityStoreId, ['sessions:introspect', 'sessions:revoke'])
    const counts = countCalls()
    for (const carrier of [{ bearer: api }, { cookie: api }]) {
      expect((await send('/sessions/current', carrier)).status).toBe(401)
      expect((await send('/sessions', carrier)).status).toBe(401)
      expect((await send('/sessions?except=current', { method: 'DELETE', ...carrier })).status).toBe(401)
    }
    const answer = await send('/oauth2/introspect', { bearer, form: { token: api } })
    expect(await answer.json()).toEqual({ active: false })
    await send('/oauth2/revoke', { bearer, form: { token: api } })
    expect(counts).toMatchObject({ objectCalls: 0, kvReads: 0 })
    expect((await check(session)).status).toBe(200)
  })

  test('signed with a key that was retired is refused, with no object call', async () => {
    const session = await signIn(await makeUser())
    const retired = await tokenRing(9).sign(await readToken(session.token))
    const counts = countCalls()
    expect((await send('/sessions/current', { bearer: retired })).status).toBe(401)
    expect(
      (await workerWith({ SESSION_TOKEN_KEYS: tokenKeys(2) }).send('/sessions/current', { bearer: session.token }))
        .status,
    ).toBe(401)
    expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 0, kvReads: 0 })
  })

  test('under a key id in use, but signed with another key, is refused', async () => {
    const { token } = await signIn(await makeUser())
    const other = bytesOf(await tokenRing(9).sign(await readToken(token)))
    other[1] = 1
    expect(await tokenRing(1).verify(textOf(other))).toBeNull()
  })

  test('of a session or secret that its object does not know is nobody’s', async () => {
    const session = await signIn(await makeUser())
    const known = await readToken(session.token)
    const stranger = await tokenRing(1).sign({ ...known, sessionId: '01890000-0000-7000-8000-000000000000' })
    const guess = await tokenRing(1).sign({ ...known, secret: known.secret.map((byte) => byte ^ 1) })
    for (const bearer of [stranger, guess]) {
      const response = await send('/sessions/current', { bearer })
      expect([response.status, await response.json()]).toMatchObject([401, { code: 'unauthenticated' }])
      expect((await send('/sessions', { bearer })).status).toBe(401)
      expect((await send('/sessions?except=current', { method: 'DELETE', bearer })).status).toBe(401)
      expect((await send('/sessions/current', { method: 'DELETE', bearer })).status).toBe(204)
    }
    expect((await check(session)).status).toBe(200)
  })
})

describe('a key ring', () => {
  test('verifies a token once; one that it refused, every time', async () => {
    const { token } = await signIn(await makeUser())
    const ring = tokenRing(1)
    const verify = vi.spyOn(crypto.subtle, 'verify')
    const forged = textOf(bytesOf(token).map((byte, at) => (at === TOKEN_BYTES - 1 ? byte ^ 1 : byte)))
    const said = await ring.verify(token)
    expect([said === null, await ring.verify(token), verify.mock.calls.length]).toEqual([false, said, 1])
    expect([await ring.verify(forged), await ring.verify(forged), verify.mock.calls.length]).toEqual([null, null, 3])
  })

  test('signs with the newest key, verifies with all, and knows what is stale', async () => {
    const { token } = await signIn(await makeUser())
    const rotated = tokenRing(2, 1)
    const old = await rotated.verify(token)
    expect(old).toMatchObject({ keyId: 1, kind: 'web' })
    if (old === null) throw new Error('refused')
    expect(rotated.isStale(old)).toBe(true)
    const renewed = await rotated.verify(await rotated.sign(old))
    expect(renewed).toEqual({ ...old, keyId: 2 })
    expect(renewed && rotated.isStale(renewed)).toBe(false)
  })

  test('signs the same token the same way, of 148 characters that need no escape', async () => {
    const { token } = await signIn(await makeUser())
    expect(await tokenRing(1).sign(await readToken(token))).toBe(token)
    expect(token).toMatch(/^[A-Za-z0-9_-]{148}$/)
  })
})

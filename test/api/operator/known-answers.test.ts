/** `If-None-Match`: who asks again is sent nothing that it has, and everything that is new. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { mirrored } from '../../support/objects.ts'
import { send, signIn } from '../../support/requests.ts'
import { makeOperator, makeUser } from '../../support/stores.ts'

async function setUp() {
  const user = await makeUser()
  const bearer = await makeOperator()
  const store = `/operator/identity-stores/${user.identityStoreId}`
  const ask = async (path: string, tag?: string) => {
    const headers = tag === undefined ? {} : { 'if-none-match': tag }
    const answer = await send(`${store}${path}`, { bearer, headers })
    return { status: answer.status, tag: answer.headers.get('etag') ?? '', text: await answer.text(), answer }
  }
  return { user, bearer, ask }
}

describe('a list that has not changed', () => {
  test.each(['/sessions?limit=5', '/sessions/count', '/overview', '/users', '/jobs', '/lockouts', '/session-config'])(
    'is not sent again: %s',
    async (path) => {
      const { ask } = await setUp()
      const first = await ask(path)
      expect([first.status, first.tag]).toEqual([200, expect.stringMatching(/^(?:W\/"[\w-]{22}"|"1")$/)])
      for (const tag of [first.tag, first.tag.replace('W/', ''), `"other", ${first.tag}`]) {
        const again = await ask(path, tag)
        expect([again.status, again.tag, again.text]).toEqual([304, first.tag, ''])
        expect(again.answer.headers.get('cache-control')).toBe('no-store')
        expect(again.answer.headers.get('x-request-id')).not.toBeNull()
      }
      for (const tag of ['"other"', '', '*'])
        expect(await ask(path, tag)).toMatchObject({ status: 200, text: first.text })
    },
  )

  test('is sent once it has', async () => {
    const { user, ask } = await setUp()
    const { tag } = await ask('/sessions')
    const session = await signIn(user)
    await mirrored(user)
    const now = await ask('/sessions', tag)
    expect([now.status, now.tag === tag, now.text.includes(session.id)]).toEqual([200, false, true])
    expect((await ask('/sessions', now.tag)).status).toBe(304)
  })

  test('is nobody’s who may not see it', async () => {
    const { bearer, ask } = await setUp()
    const { tag } = await ask('/sessions')
    await env.DB.prepare('UPDATE credentials SET revoked_at = 1 WHERE public_id = ?').bind(bearer.slice(3, 19)).run()
    expect((await ask('/sessions', tag)).status).toBe(401)
  })
})

test('a stream, and what is refused, have no tag', async () => {
  const { user, bearer, ask } = await setUp()
  expect(await ask('/sessions?limit=0')).toMatchObject({ status: 400, tag: '' })
  const headers = { accept: 'application/x-ndjson' }
  const stream = await send(`/operator/identity-stores/${user.identityStoreId}/audit-events`, { bearer, headers })
  expect([stream.status, stream.headers.get('etag')]).toEqual([200, null])
  await stream.text()
})

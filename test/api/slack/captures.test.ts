/** What the official clients send, byte for byte as it was captured, gets the answers that they take. */
import { env, exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { identityStores, users } from '../../../src/store/schema.ts'
import { insertSessionConfig } from '../../../src/store/session-configs.ts'
import node from '../../fixtures/slack-node.txt?raw'
import python from '../../fixtures/slack-py.txt?raw'
import { ORIGIN } from '../../support/requests.ts'
import { db, makeBearer } from '../../support/stores.ts'

const TEAM = 'T0000000001'
const OWNER = 'U0000000001'

interface Exchange {
  readonly head: string
  readonly body: string
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
  readonly answer: any
}

/** A capture as requests and the answers that they got. */
function exchanges(text: string): Exchange[] {
  return text.split(/^# -> /m).flatMap((part, index, parts) => {
    const next = parts[index + 1]
    if (next === undefined) return []
    const sent = part.slice(part.indexOf('--- bytes from client\n') + 22)
    const at = sent.indexOf('\r\n\r\n')
    // A body may come in a second packet.
    const body = sent.slice(at + 4).replace(/^\n*--- bytes from client\n/, '')
    const length = Number(/^content-length: (\d+)/im.exec(sent)?.[1] ?? 0)
    const [status = '', , answer = ''] = /^(\d+) (\{.*?\}) (\{.*)$/m.exec(next)?.slice(1) ?? []
    return [
      { head: sent.slice(0, at), body: body.slice(0, length), status: Number(status), answer: JSON.parse(answer) },
    ]
  })
}

async function makeTeam(): Promise<Map<string, string>> {
  const now = Date.now()
  await env.DB.exec('DELETE FROM users; DELETE FROM identity_stores; DELETE FROM session_settings')
  await db.batch([
    db.insert(identityStores).values({
      identityStoreId: TEAM,
      name: 'Pie',
      defaultLoginMode: 'LOCAL_LOGIN_SHARED',
      state: 'active',
      createdAt: now,
      updatedAt: now,
    }),
    insertSessionConfig(db, TEAM, now),
    ...[OWNER, 'U0000000002'].map((userId) =>
      db.insert(users).values({
        identityStoreId: TEAM,
        userId,
        username: `${userId}@pie.example`.toLowerCase(),
        role: 'admin',
        userLevel: 0,
        bot: false,
        active: true,
        sessionsValidFrom: 0,
        statusVersion: 1,
        createdAt: now,
        updatedAt: now,
      }),
    ),
  ])
  const owner = { ownerUserId: OWNER }
  const good = await makeBearer(TEAM, ['admin.users:read', 'admin.users:write'], owner)
  return new Map([
    ['xoxp-good', good],
    // Its counter is shown elsewhere; here it is one more client.
    ['xoxp-ratelimited', good],
    ['xoxp-readonly', await makeBearer(TEAM, ['admin.users:read'], owner)],
  ])
}

/** Sends a captured request with our own token in the place of the captured one. */
async function replay({ head, body }: Exchange, tokens: ReadonlyMap<string, string>): Promise<Response> {
  const [line = '', ...lines] = head.split('\r\n')
  const [method = '', path = ''] = line.split(' ')
  const known = (text: string) => text.replace(/xoxp-\w+/g, (token) => tokens.get(token) ?? token)
  const headers = new Headers()
  for (const one of lines) {
    const [name = '', value = ''] = one.split(/: (.*)/)
    if (!/^(host|connection|content-length|accept-encoding)$/i.test(name)) headers.append(name, known(value))
  }
  return exports.default.fetch(new Request(ORIGIN + path, { method, headers, body: known(body) }))
}

test.each([
  ['python', python, 14],
  ['node', node, 14],
])("the %s client's requests", async (_client, text, count) => {
  const tokens = await makeTeam()
  const captured = exchanges(text)
  expect(captured).toHaveLength(count)
  for (const exchange of captured) {
    const response = await replay(exchange, tokens)
    const answer = await response.json()
    const expected = exchange.status === 429 ? { ok: true, active_sessions: [] } : exchange.answer
    expect([exchange.head.split('\r\n')[0], response.status, answer]).toMatchObject([expect.any(String), 200, expected])
  }
})

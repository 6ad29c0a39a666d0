import { describe, expect, test } from 'vitest'
import { sessionNumber } from '../src/domain/session-id.ts'
import { apio, readInfo } from './api/apio/requests.ts'
import { batchDelete, list as identityCenterList } from './api/identity-center/client.ts'
import { accessToken, looker } from './api/looker/support.ts'
import { makeTeam } from './api/slack/slack.ts'
import { makeAccessKey } from './support/access-keys.ts'
import { mirrored } from './support/objects.ts'
import { check, send, signIn, type TestSession } from './support/requests.ts'
import { makeApiClient, makeBearer, type TestUser } from './support/stores.ts'

/** One user with one session, and every API that can see it. */
async function everyApi() {
  const team = await makeTeam()
  const user: TestUser = await team.user()
  const session = await signIn(user, { transport: 'cookie' })
  const key = await makeAccessKey(team.id)
  const client = await makeApiClient(team.id, ['looker'], { ownerUserId: team.owner.userId })
  const token = await accessToken(client)
  const backEnd = await makeBearer(team.id, ['sessions:introspect', 'sessions:revoke'])
  await mirrored(user)
  return { team, user, session, key, token, backEnd }
}
type Everything = Awaited<ReturnType<typeof everyApi>>

/** Which APIs take the session for live. */
async function seenBy({ team, user, session, key, token, backEnd }: Everything): Promise<Record<string, boolean>> {
  const slackIds = async (form: Record<string, string>) =>
    (await team.call('session.list', form)).body.active_sessions.map((one: { session_id: number }) => one.session_id)
  const introspected = await send('/oauth2/introspect', { bearer: backEnd, form: { token: session.token } })
  const lookerSessions = (await looker('GET', `/users/${user.userId}/sessions`, token)).body as { id: string }[]
  const identityCenter = (await identityCenterList(key, user)).body.session_list as { session_id: string }[]
  return {
    own: (await check(session)).status === 200,
    introspection: ((await introspected.json()) as { active: boolean }).active,
    apio: (await readInfo(session.token, { address: user.address })).status === 200,
    slackOfUser: (await slackIds({ team_id: team.id, user_id: user.userId })).includes(sessionNumber(session.id)),
    slackOfAll: (await slackIds({})).includes(sessionNumber(session.id)),
    looker: lookerSessions.some(({ id }) => id === session.id),
    identityCenter: identityCenter.some(({ session_id }) => session_id === session.id),
  }
}

const ends: Record<string, (everything: Everything) => Promise<unknown>> = {
  'the own API': ({ session }) => send('/sessions/current', { method: 'DELETE', cookie: session.token }),
  revocation: ({ session, backEnd }) => send('/oauth2/revoke', { bearer: backEnd, form: { token: session.token } }),
  APIO: ({ session, user }) =>
    apio('/api/v1/logout/', { method: 'POST', cookie: session.token, json: {}, address: user.address }),
  'Slack, invalidate': ({ team, user, session }) =>
    team.call('session.invalidate', { user_id: user.userId, session_id: String(sessionNumber(session.id)) }),
  'Slack, reset': ({ team, user }) => team.call('session.reset', { user_id: user.userId }),
  Looker: ({ user, session, token }) => looker('DELETE', `/users/${user.userId}/sessions/${session.id}`, token),
  'Identity Center': ({ user, session, key }) => batchDelete(key, user, [session.id]),
}

describe('a session that was opened at one API', () => {
  test('is seen by every other', async () => {
    expect(Object.entries(await seenBy(await everyApi())).filter(([, live]) => !live)).toEqual([])
  })

  for (const [name, end] of Object.entries(ends)) {
    test(`and ended through ${name} is dead at the next look through every other`, async () => {
      const everything = await everyApi()
      await end(everything)
      await mirrored(everything.user)
      expect(Object.entries(await seenBy(everything)).filter(([, live]) => live)).toEqual([])
    })
  }

  test('is an API login for Looker alone: no list shows it, no other API takes it', async () => {
    const { team, token, backEnd } = await everyApi()
    const asSession: TestSession = { id: '', token, user: team.owner }
    expect((await check(asSession)).status).toBe(401)
    expect((await readInfo(token)).status).toBe(401)
    const introspected = await send('/oauth2/introspect', { bearer: backEnd, form: { token } })
    expect(await introspected.json()).toEqual({ active: false })
    const listed = await team.call('session.list', { team_id: team.id, user_id: team.owner.userId })
    expect(listed.body.active_sessions).toEqual([])
  })
})

/** Whatever somebody asks to be ended on another's behalf is in the audit log, and before it is done. */
import { env, exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { sessionNumber } from '../../src/domain/session-id.ts'
import type { SessionsEntrypoint } from '../../src/index.ts'
import { makeAccessKey, sendSigned } from '../support/access-keys.ts'
import { breakD1Statements } from '../support/faults.ts'
import { mirrored } from '../support/objects.ts'
import { send, signIn, type TestSession } from '../support/requests.ts'
import { makeApiClient, makeBearer, makeUser, type TestUser } from '../support/stores.ts'
import { accessToken, looker } from './looker/support.ts'
import { call, SCOPES } from './slack/slack.ts'

interface Asked {
  readonly owner: TestUser
  readonly session: TestSession
}

const slack = async ({ owner }: Asked, method: string, form: Record<string, string>) => {
  const bearer = await makeBearer(owner.identityStoreId, SCOPES, { ownerUserId: owner.userId })
  await call(method, { bearer, form })
}

/** Each way to end another's sessions, the action that the log has, and who acted. */
const WAYS: Record<
  string,
  { action: string; actor: RegExp; subject: RegExp; ask: (asked: Asked) => Promise<unknown> }
> = {
  'Slack invalidate': {
    action: 'session.ended',
    actor: /^credential:/,
    subject: /^user:/,
    ask: (asked) =>
      slack(asked, 'session.invalidate', {
        user_id: asked.session.user.userId,
        session_id: String(sessionNumber(asked.session.id)),
      }),
  },
  'Slack reset': {
    action: 'sessions.reset',
    actor: /^credential:/,
    subject: /^user:/,
    ask: (asked) => slack(asked, 'session.reset', { user_id: asked.session.user.userId }),
  },
  'Slack resetBulk': {
    action: 'sessions.reset',
    actor: /^credential:/,
    subject: /^users$/,
    ask: (asked) => slack(asked, 'session.resetBulk', { user_ids: asked.session.user.userId }),
  },
  'Looker DELETE': {
    action: 'session.ended',
    actor: /^user:/,
    subject: /^user:/,
    async ask({ owner, session }) {
      const options = { ownerUserId: owner.userId }
      const token = await accessToken(await makeApiClient(owner.identityStoreId, ['looker'], options))
      await looker('DELETE', `/users/${session.user.userId}/sessions/${session.id}`, token)
    },
  },
  '/oauth2/revoke': {
    action: 'session.ended',
    actor: /^credential:/,
    subject: /^session:/,
    async ask({ owner, session }) {
      const bearer = await makeBearer(owner.identityStoreId, ['sessions:revoke'])
      await send('/oauth2/revoke', { bearer, form: { token: session.token } })
    },
  },
  'the service binding': {
    action: 'session.ended',
    actor: /^service_binding$/,
    subject: /^session:/,
    async ask({ owner, session }) {
      const props = { identityStoreId: owner.identityStoreId, scopes: ['sessions:revoke'] }
      const entrypoint = exports.SessionsEntrypoint as unknown as (options: object) => Pick<SessionsEntrypoint, 'end'>
      await entrypoint({ props }).end({ token: session.token })
    },
  },
  'Identity Center batch-delete': {
    action: 'sessions.batch_delete',
    actor: /^credential:/,
    subject: /^user:/,
    async ask({ owner, session }) {
      const path = `/v1/identity-stores/${owner.identityStoreId}/users/${session.user.userId}/sessions/batch-delete`
      const body = JSON.stringify({ session_ids: [session.id] })
      await sendSigned(await makeAccessKey(owner.identityStoreId), path, { body })
    },
  },
}

async function asked(): Promise<Asked> {
  const owner = await makeUser({ role: 'owner' })
  const session = await signIn(await makeUser({ identityStoreId: owner.identityStoreId }))
  await mirrored(session.user)
  return { owner, session }
}

const events = async ({ owner }: Asked) =>
  (
    await env.DB.prepare('SELECT actor, action, subject, request_id FROM audit_events WHERE identity_store_id = ?')
      .bind(owner.identityStoreId)
      .all()
  ).results

describe.each(Object.entries(WAYS))('an end by %s', (_name, { action, actor, subject, ask }) => {
  test('is in the audit log, once', async () => {
    const given = await asked()
    await ask(given)
    const entry = {
      action,
      actor: expect.stringMatching(actor),
      subject: expect.stringMatching(subject),
      request_id: expect.any(String),
    }
    expect(await events(given)).toEqual([entry])
  })

  test('is not done if it cannot be put on record', async () => {
    const given = await asked()
    breakD1Statements(/insert into "audit_events"/i)
    await ask(given)
    expect((await send('/sessions/current?touch=false', { bearer: given.session.token })).status).toBe(200)
  })
})

test('a sign-out by the user is in the session record', async () => {
  const given = await asked()
  const { session } = given
  await send('/sessions/current', { method: 'DELETE', bearer: session.token })
  await mirrored(session.user)
  const record = env.DB.prepare('SELECT end_reason, ended_by, end_request_id FROM sessions WHERE session_id = ?')
  expect(await record.bind(session.id).first()).toEqual({
    end_reason: 'logout',
    ended_by: expect.stringMatching(/^session:/),
    end_request_id: expect.any(String),
  })
  expect(await events(given)).toEqual([])
})

import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditEvents } from '../../../src/store/audit-schema.ts'
import { sessionConfigs } from '../../../src/store/schema.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1, breakD1Statements } from '../../support/faults.ts'
import { mirrored } from '../../support/objects.ts'
import { db } from '../../support/stores.ts'
import { logIn, looker, patchConfig } from './support.ts'

const DEFAULTS = {
  can: { show: true, update: true },
  allow_persistent_sessions: true,
  session_minutes: 43_200,
  unlimited_sessions_per_user: true,
  use_inactivity_based_logout: false,
  track_session_location: false,
}

async function version(identityStoreId: string): Promise<number | undefined> {
  const rows = await db.select().from(sessionConfigs).where(eq(sessionConfigs.identityStoreId, identityStoreId))
  return rows[0]?.version
}

for (const path of ['/session_config', '//session_config']) {
  describe(`the session config at ${path === '/session_config' ? '/api/4.0/session_config' : '/session_config'}`, () => {
    test('is read whole', async () => {
      const { token } = await logIn()
      expect(await looker('GET', path, token)).toMatchObject({ status: 200, body: DEFAULTS })
    })

    const changes: [string, object][] = [
      ['allow_persistent_sessions', { allow_persistent_sessions: false }],
      ['session_minutes, the least', { session_minutes: 5 }],
      ['session_minutes, the most', { session_minutes: 43_200 }],
      ['unlimited_sessions_per_user', { unlimited_sessions_per_user: false }],
      ['use_inactivity_based_logout', { use_inactivity_based_logout: true }],
      ['track_session_location', { track_session_location: true }],
      ['several at once', { session_minutes: 60, use_inactivity_based_logout: true }],
    ]
    for (const [name, json] of changes) {
      test(`takes ${name}, answers the whole and shows it from then on; the rest stays`, async () => {
        const { token } = await logIn()
        expect(await patchConfig(token, json)).toEqual({ ...DEFAULTS, ...json })
        expect((await looker('GET', path, token)).body).toEqual({ ...DEFAULTS, ...json })
      })
    }

    test('can be set back', async () => {
      const { token } = await logIn('admin', { config: { concurrentSessionLimit: 1, trackSessionLocation: true } })
      const body = await patchConfig(token, { unlimited_sessions_per_user: true, track_session_location: false })
      expect(body).toEqual(DEFAULTS)
    })

    test('is changed by nothing', async () => {
      const { token, user } = await logIn()
      const read = { can: { update: false }, something_new: 1 }
      for (const json of [{}, read]) expect(await patchConfig(token, json)).toEqual(DEFAULTS)
      expect(await version(user.identityStoreId)).toBe(1)
    })

    test('takes JSON whatever its label says', async () => {
      const { token } = await logIn()
      for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=utf-8']) {
        const options = { body: '{"session_minutes": 62}', headers: { 'content-type': type } }
        expect(await looker('PATCH', path, token, options)).toMatchObject({
          status: 200,
          body: { session_minutes: 62 },
        })
      }
    })
  })
}

describe('bad values', () => {
  const minutes = [4, 0, -5, 43_201, 60.5, 1e300, null, '60', true, [], {}]
  const flags = [null, 'true', 0, 1, [], {}]
  const cases: [string, unknown][] = [
    ...minutes.map((value): [string, unknown] => ['session_minutes', value]),
    ...[
      'allow_persistent_sessions',
      'unlimited_sessions_per_user',
      'use_inactivity_based_logout',
      'track_session_location',
    ].flatMap((field) => flags.map((value): [string, unknown] => [field, value])),
  ]
  test('are refused one by one: 422 with field, code, message and documentation_url, and nothing is changed', async () => {
    const { token, user } = await logIn()
    for (const [field, value] of cases) {
      const answer = await looker('PATCH', '/session_config', token, { json: { [field]: value } })
      const name = `${field}: ${JSON.stringify(value)}`
      expect(answer.status, name).toBe(422)
      expect(answer.body, name).toEqual({
        message: 'Validation Failed',
        errors: [
          {
            field,
            code: 'invalid',
            message: expect.stringContaining(`'${field}': Must be`),
            documentation_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:8787\/docs\/problems#/),
          },
        ],
        documentation_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:8787\/docs\/problems#/),
      })
    }
    expect(await version(user.identityStoreId)).toBe(1)
  })

  test('are all named in one answer, and nothing is applied beside them', async () => {
    const { token } = await logIn()
    const json = {
      allow_persistent_sessions: 'no',
      session_minutes: 4,
      unlimited_sessions_per_user: null,
      use_inactivity_based_logout: 1,
      track_session_location: true,
    }
    const { status, body } = await looker('PATCH', '/session_config', token, { json })
    expect(status).toBe(422)
    expect(body.errors.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      'allow_persistent_sessions',
      'session_minutes',
      'unlimited_sessions_per_user',
      'use_inactivity_based_logout',
    ])
    expect((await looker('GET', '/session_config', token)).body).toEqual(DEFAULTS)
  })

  test('what is no JSON object is 400', async () => {
    const { token } = await logIn()
    for (const body of ['', '{', '[]', '5', 'null', '"x"', 'session_minutes=5', new Uint8Array([0x7b, 0xff, 0x7d])]) {
      const answer = await looker('PATCH', '/session_config', token, { body: body as BodyInit })
      expect(answer).toMatchObject({ status: 400, body: { message: 'The body is not a JSON object.' } })
    }
  })

  test('what is too large is 413', async () => {
    const { token } = await logIn()
    const answer = await looker('PATCH', '/session_config', token, { body: ' '.repeat(65_537) })
    expect(answer).toMatchObject({ status: 413, body: { message: expect.stringContaining('65536') } })
  })
})

describe('a caller', () => {
  for (const role of ['primary_owner', 'owner', 'admin', 'member'] as const) {
    test(`who is ${role} may do what \`can\` says`, async () => {
      const { token } = await logIn(role)
      const { can } = (await looker('GET', '/session_config', token)).body
      expect(can).toEqual({ show: true, update: role !== 'member' })
      const answer = await looker('PATCH', '/session_config', token, { json: { session_minutes: 60 } })
      expect(answer.status).toBe(can.update ? 200 : 403)
      const { session_minutes } = (await looker('GET', '/session_config', token)).body
      expect(session_minutes).toBe(can.update ? 60 : 43_200)
    })
  }

  test('changes its own store alone', async () => {
    const [one, other] = [await logIn(), await logIn()]
    await patchConfig(one.token, { session_minutes: 60 })
    expect((await looker('GET', '/session_config', other.token)).body).toEqual(DEFAULTS)
  })
})

describe('the audit log', () => {
  test('has who, when, from what and to what', async () => {
    const { token, user } = await logIn()
    await patchConfig(token, { session_minutes: 60, unlimited_sessions_per_user: false })
    const rows = await db.select().from(auditEvents).where(eq(auditEvents.identityStoreId, user.identityStoreId))
    expect(rows).toHaveLength(1)
    const [event] = rows
    expect(event).toMatchObject({
      actor: `user:${user.userId}`,
      action: 'session_config.updated',
      subject: `identity_store:${user.identityStoreId}`,
      at: expect.any(Number),
      requestId: expect.any(String),
    })
    const before = {
      allow_persistent_sessions: true,
      session_minutes: 43_200,
      concurrent_session_limit: null,
      client_kind_limits: null,
      when_limit_reached: 'evict_oldest',
      use_inactivity_based_logout: false,
      inactivity_timeout_seconds: null,
      track_session_location: false,
    }
    expect(JSON.parse(event?.before ?? '')).toEqual(before)
    expect(JSON.parse(event?.after ?? '')).toEqual({ ...before, session_minutes: 60, concurrent_session_limit: 1 })
  })

  test('and the change are written both or neither', async () => {
    const { token, user } = await logIn()
    const fault = breakD1Statements(/insert into "audit_events"/i)
    const answer = await looker('PATCH', '/session_config', token, { json: { session_minutes: 60 } })
    expect(answer).toMatchObject({ status: 503, body: { message: 'Temporarily unavailable' } })
    fault.repair()
    expect(await version(user.identityStoreId)).toBe(1)
  })
})

describe('without D1', () => {
  test('the config is neither read nor changed: 503 with Retry-After', async () => {
    const { token } = await logIn()
    breakD1()
    for (const method of ['GET', 'PATCH']) {
      const options = method === 'PATCH' ? { json: { session_minutes: 60 } } : {}
      const answer = await looker(method, '/session_config', token, options)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('5')
    }
  })

  test('a logout works', async () => {
    const { token } = await logIn()
    const fault = breakD1()
    expect((await looker('DELETE', '/logout', token)).status).toBe(204)
    fault.repair()
    expect((await looker('GET', '/user', token)).status).toBe(401)
  })
})

test('reading the config costs one object call, two statements and no KV', async () => {
  const { token, user } = await logIn()
  const { address } = user
  await looker('GET', '/session_config', token, { address })
  await mirrored(user)
  const counts = countCalls()
  await looker('GET', '/session_config', token, { address })
  expect(counts).toMatchObject({ objectCalls: 1, jobCalls: 0, d1Statements: 2, kvReads: 0, kvWrites: 0 })
})

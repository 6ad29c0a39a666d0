/** Many who change the session config at once: nothing is lost, and every copy ends on the newest. */
import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { auditEvents } from '../../../src/store/audit-schema.ts'
import { sessionConfigs } from '../../../src/store/schema.ts'
import { storeTag } from '../../../src/store/store-tag.ts'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { KvDouble } from '../../support/kv-double.ts'
import { db } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'
import { finishJobs, logIn, looker } from './support.ts'

const PATCHES = 50
/** Each field's first value and the one that it is changed to. */
const FIELDS = [
  ['allow_persistent_sessions', false],
  ['session_minutes', 777],
  ['unlimited_sessions_per_user', false],
  ['use_inactivity_based_logout', true],
  ['track_session_location', true],
] as const

test('50 concurrent changes of different fields all stick, and KV ends on the newest of them', async () => {
  stopClock()
  const { token, user } = await logIn()
  const store = user.identityStoreId
  const kv = new KvDouble([60, 5, 40, 2, 30, 1])
  const isolates = [workerWith(), workerWith(), workerWith()]
  const answers = await Promise.all(
    Array.from({ length: PATCHES }, async (_, index) => {
      const [field, value] = FIELDS[index % FIELDS.length] ?? FIELDS[0]
      const json = { [field]: value }
      const isolate = isolates[index % isolates.length]
      const answer = await isolate?.send('/session_config', { method: 'PATCH', bearer: token, json, origin: null })
      return { field, value, status: answer?.status, body: (await answer?.json()) as Record<string, unknown> }
    }),
  )
  for (const { field, value, status, body } of answers) {
    expect(status).toBe(200)
    expect(body[field]).toBe(value)
  }
  expect((await looker('GET', '/session_config', token)).body).toMatchObject(Object.fromEntries(FIELDS))
  const [row] = await db.select().from(sessionConfigs).where(eq(sessionConfigs.identityStoreId, store))
  expect(row?.version).toBe(1 + PATCHES)

  // Each change began where another one ended: nothing was written over unseen.
  const events = await db.select().from(auditEvents).where(eq(auditEvents.identityStoreId, store))
  expect(events).toHaveLength(PATCHES)
  const [befores, afters] = [events.map(({ before }) => before), events.map(({ after }) => after)]
  const first = befores.find((text) => JSON.parse(text ?? '').session_minutes === 43_200 && !afters.includes(text))
  const final = {
    allow_persistent_sessions: false,
    session_minutes: 777,
    concurrent_session_limit: 1,
    client_kind_limits: null,
    when_limit_reached: 'evict_oldest',
    use_inactivity_based_logout: true,
    inactivity_timeout_seconds: null,
    track_session_location: true,
  }
  expect(afters).toContainEqual(JSON.stringify(final))
  expect([...befores, JSON.stringify(final)].toSorted()).toEqual([...afters, first].toSorted())

  await finishJobs(store)
  advanceClock(3_600)
  const published = await env.CONFIG.get(`session-config/${storeTag(store)}`)
  expect(JSON.parse(published ?? '')).toEqual({
    version: 1 + PATCHES,
    value: {
      allowPersistentSessions: false,
      sessionMinutes: 777,
      concurrentSessionLimit: 1,
      clientKindLimits: null,
      whenLimitReached: 'evict_oldest',
      useInactivityBasedLogout: true,
      inactivityTimeoutSeconds: null,
      trackSessionLocation: true,
    },
  })
  expect(kv.refused).toBeLessThan(PATCHES)
})

test('concurrent changes of one field leave one of them, whole', async () => {
  const { token } = await logIn()
  const minutes = Array.from({ length: 20 }, (_, index) => 100 + index)
  await Promise.all(
    minutes.map((session_minutes) => looker('PATCH', '/session_config', token, { json: { session_minutes } })),
  )
  expect(minutes).toContain((await looker('GET', '/session_config', token)).body.session_minutes)
})

test('an access token that was checked before its user got a new password changes nothing', async () => {
  const { token, user } = await logIn()
  const leave = intercept(async (call, goOn) => {
    const answer = await goOn()
    if (call.to === 'USERS') {
      leave()
      await env.DB.prepare('UPDATE users SET status_version = status_version + 1 WHERE user_id = ?')
        .bind(user.userId)
        .run()
    }
    return answer
  })
  expect((await looker('PATCH', '/session_config', token, { json: { session_minutes: 777 } })).status).toBe(401)
  const [row] = await db.select().from(sessionConfigs).where(eq(sessionConfigs.identityStoreId, user.identityStoreId))
  expect(row?.version).toBe(1)
})

/** How D1 finds what it is asked for: no statement of what happens often walks through a whole table. */

import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import worker from '../../src/index.ts'
import { readChain, storesToKeep, writeSeals } from '../../src/store/audit-chain.ts'
import { listAuditEvents } from '../../src/store/audit-events.ts'
import { removeCountedHours, removeDeadCredentials, removeEndedSessions } from '../../src/store/housekeeping.ts'
import { clearLocations, usersWithLocationAfter } from '../../src/store/live-users.ts'
import { listLockouts, scanLockouts } from '../../src/store/lockouts.ts'
import { findRecords, recordsAfter } from '../../src/store/session-lists.ts'
import { readUserHistory } from '../../src/store/user-history.ts'
import { readUserSummaries } from '../../src/store/user-summaries.ts'
import { listUsers } from '../../src/store/users.ts'
import { call, makeTeam } from '../api/slack/slack.ts'
import { intercept } from '../support/bindings.ts'
import { mirrored } from '../support/objects.ts'
import { check, send, signIn } from '../support/requests.ts'
import { db, makeOperator } from '../support/stores.ts'

/** The tables that grow. */
const TABLES = [
  'sessions',
  'users',
  'audit_events',
  'credentials',
  'session_settings',
  'sign_in_attempts',
  'call_counters',
  'login_tokens',
  'events',
  'event_endpoints',
]

/** Every statement that D1 was asked from now on. */
function listen(): Set<string> {
  const heard = new Set<string>()
  intercept((request, goOn) => {
    if (request.to === 'D1') for (const text of request.statements) heard.add(text)
    return goOn()
  })
  return heard
}

/** The steps of a statement's plan. */
async function plan(text: string): Promise<string[]> {
  const numbered = [...text.matchAll(/\?(\d+)/g)].map((match) => Number(match[1]))
  const count = numbered.length > 0 ? Math.max(...numbered) : [...text.matchAll(/\?/g)].length
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
    .bind(...Array.from({ length: count }, () => null))
    .all<{ detail: string }>()
  return results.map(({ detail }) => detail)
}

/** Reads a table or an index from one end to the other, or all that a store has in a table. */
const WALK = new RegExp(
  `^(SCAN (${TABLES.join('|')})\\b|SEARCH (${TABLES.join('|')}) USING PRIMARY KEY \\(identity_store_id=\\?( AND event_id>\\?)?\\)$)`,
)

/** What walks through a table on purpose, and why. */
const ON_PURPOSE: readonly [RegExp, string][] = [
  [/^delete from "login_tokens" /, 'what a user made, when the user is changed: rows live for minutes'],
  [/^select (?!.* join ).* order by "\w+"\."(user_id|event_id|credential_id)" (asc|desc) limit \?$/, 'a page'],
  [/^update "credentials" set "(revoked_at|name)"/, "a store's credentials, when it or a user of it is deleted"],
]

test('no statement of what happens often walks through a whole table', async () => {
  const team = await makeTeam()
  const operator = await makeOperator()
  const heard = listen()
  const store = `/operator/identity-stores/${team.id}`
  const session = await signIn(team.owner)
  await check(session)
  await send('/sessions', { bearer: session.token })
  await send('/devices', { cookie: session.token })
  await mirrored(team.owner)
  await call('admin.users.session.list', { bearer: team.token, form: {} })
  await call('admin.users.session.setSettings', {
    bearer: team.token,
    form: { user_ids: team.owner.userId, duration: '86400' },
  })
  for (const path of [
    '',
    '/users',
    '/credentials',
    '/audit-events',
    '/lockouts',
    '/overview',
    '/jobs',
    `/users/${team.owner.userId}`,
  ])
    await send(`${store}${path}`, { bearer: operator })
  await send(`${store}/users/${team.owner.userId}`, { method: 'PATCH', bearer: operator, json: { active: false } })
  await send(`${store}/users/${team.owner.userId}`, { method: 'DELETE', bearer: operator })
  await usersWithLocationAfter(db, team.id, '', 32)
  await clearLocations(db, team.id, [team.owner.userId])
  await listLockouts(db, team.id, Date.now())
  await worker.scheduled(createScheduledController(), env)
  expect(heard.size).toBeGreaterThan(30)
  const found: Record<string, string[]> = {}
  for (const text of [...heard]) {
    if (ON_PURPOSE.some(([pattern]) => pattern.test(text))) continue
    const steps = (await plan(text)).filter((step) => WALK.test(step))
    if (steps.length > 0) found[text] = steps
  }
  expect(found).toEqual({})
})

const CHAIN = {
  identityStoreId: 'store',
  sealedNumber: 0,
  sealedHash: '',
  sealedAt: null,
  erasures: 0,
  cutNumber: 0,
  cutHash: '',
  cut: null,
  publishedNumber: 0,
  publishedAt: null,
}
const RANGE = { identityStoreId: 'store', state: 'live', userId: null, openedAfter: 1, openedBefore: 2 } as const

test.each<[string, () => Promise<unknown>, RegExp]>([
  [
    'lockouts',
    () => listLockouts(db, 'store', 0),
    /^SEARCH a USING INDEX lockouts_of_store_newest_first \(user_store_id=\? AND locked_at>\?\)$/,
  ],
  [
    'a page of lockouts',
    () => scanLockouts(db, 'store', { lockedAt: 0, id: '' }, 10, 0),
    /^SEARCH a USING INDEX lockouts_of_store_newest_first \(user_store_id=\? AND \(locked_at,subject\)<\(\?,\?\)\)$/,
  ],
  [
    'users by name',
    () => listUsers(db, 'store', { username: 'a' }, null, 10),
    /^SEARCH users USING INDEX users_of_store_by_username \(identity_store_id=\? AND username>\? AND username<\?\)$/,
  ],
  [
    'events of a subject',
    () => listAuditEvents(db, 'store', { subject: 'user:a' }, null, 10),
    /^SEARCH audit_events USING INDEX audit_events_by_subject \(identity_store_id=\? AND subject=\? AND event_id>\? AND event_id<\?\)$/,
  ],
  [
    'old hours',
    () => removeCountedHours(db, 0),
    /old USING (COVERING INDEX|PRIMARY KEY) \(identity_store_id=\? AND hour<\?\)/,
  ],
  [
    'users with locations',
    () => usersWithLocationAfter(db, 'store', '', 32),
    /sessions USING INDEX sessions_with_location/,
  ],
  [
    'live sessions of a store',
    () => recordsAfter(db, RANGE, null, 10),
    /sessions USING INDEX live_sessions_of_store_newest_first \(identity_store_id=\? AND session_id>\? AND session_id<\?\)/,
  ],
  [
    'sessions that have ended',
    () => recordsAfter(db, { ...RANGE, state: 'ended' }, { sessionId: '', endedAt: 0 }, 10),
    /sessions USING INDEX ended_sessions_of_store_newest_first \(identity_store_id=\? AND ended_at>\? AND/,
  ],
  [
    'sessions of a user',
    () => recordsAfter(db, { ...RANGE, userId: 'u' }, null, 10),
    /sessions USING PRIMARY KEY \(identity_store_id=\? AND user_id=\? AND session_id>\? AND session_id<\?\)/,
  ],
  [
    'live sessions of some users',
    () => readUserSummaries(db, 'store', ['a']),
    /^SEARCH sessions USING (COVERING )?INDEX live_sessions_of_user \(identity_store_id=\? AND user_id=\?\)$/,
  ],
  [
    'the last sessions of some users',
    () => readUserSummaries(db, 'store', ['a']),
    /^SEARCH sessions USING PRIMARY KEY \(identity_store_id=\? AND user_id=\?\)$/,
  ],
  ['sessions by their ids', () => findRecords(db, 'store', []), /sessions USING INDEX session_by_number/],
  [
    "a user's history",
    () =>
      readUserHistory(
        db,
        { identityStoreId: 'store', userId: 'user' },
        { sessionId: '', since: 0, before: null, limit: 20 },
      ),
    /^SEARCH sessions USING PRIMARY KEY \(identity_store_id=\? AND user_id=\?\)$/,
  ],
  ['ended sessions', () => removeEndedSessions(db, 0), /sessions USING COVERING INDEX ended_sessions_oldest_first/],
  [
    'stores with old audit events',
    () => storesToKeep(db, 0, '', 10),
    /^SEARCH old USING PRIMARY KEY \(identity_store_id=\? AND event_id<\?\)/,
  ],
  [
    'events that are sealed',
    () => writeSeals(db, CHAIN, [], { number: 0, hash: '' }, 0),
    /^SEARCH audit_events USING PRIMARY KEY \(identity_store_id=\? AND event_id=\?\)$/,
  ],
  [
    'events in the order of the chain',
    () => readChain(db, 'store', 0, 10),
    /^SEARCH audit_events USING PRIMARY KEY \(identity_store_id=\? AND event_id=\?\) LEFT-JOIN$/,
  ],
  [
    'revoked credentials',
    () => removeDeadCredentials(db, 'revoked_at', 0),
    /USING COVERING INDEX revoked_credentials_oldest_first/,
  ],
  [
    'expired credentials',
    () => removeDeadCredentials(db, 'expires_at', 0),
    /USING COVERING INDEX credentials_by_expiry/,
  ],
])('%s are found by their index', async (_what, ask, expected) => {
  const heard = listen()
  await ask()
  const steps = await Promise.all([...heard].map(plan))
  expect(steps.flat()).toContainEqual(expect.stringMatching(expected))
})

/** One-line breakages of the rules, each with the test that must notice. */

import { apioMutants } from './apio.mjs'
import { auditMutants } from './audit.mjs'
import { authorityMutants } from './authority.mjs'
import { backEndMutants } from './back-ends.mjs'
import { callerMutants } from './callers.mjs'
import { clientMutants } from './client.mjs'
import { cookieMutants } from './cookies.mjs'
import { epochMutants } from './epochs.mjs'
import { eventMutants } from './events.mjs'
import { faultMutants } from './faults.mjs'
import { identityMutants } from './identity.mjs'
import { identityCenterMutants } from './identity-center.mjs'
import { inputMutants } from './input.mjs'
import { logoutMutants } from './logout.mjs'
import { lookerMutants } from './looker.mjs'
import { openapiMutants } from './openapi.mjs'
import { operationMutants } from './operations.mjs'
import { overviewMutants } from './overview.mjs'
import { pageMutants } from './pages.mjs'
import { runningMutants } from './running.mjs'
import { sessionMutants } from './sessions.mjs'
import { signInMutants } from './sign-in.mjs'
import { ssfMutants } from './ssf.mjs'
import { storageMutants } from './storage.mjs'
import { streamMutants } from './streams.mjs'

const LIMIT = 'test/sessions/limit.test.ts'
const TIMEOUTS = 'test/sessions/timeouts.test.ts'
const STORAGE = 'test/sessions/storage.test.ts'
const MIRROR = 'test/sessions/mirror.test.ts'
const RULES = 'test/sessions/changing-rules.test.ts'
const BATCHES = 'test/sessions/mirror-batches.test.ts'
const AGAIN = 'test/sessions/check-again.test.ts'
const FRESHNESS = 'test/sessions/config-freshness.test.ts'
const LIFECYCLE_TEST = 'test/domain/lifecycle.test.ts'
const LIFECYCLE = 'src/domain/lifecycle.ts'
const OBJECT = 'src/sessions/object/user-sessions.ts'
const OBJECT_STORAGE = 'src/sessions/object/storage.ts'
const JOBS = 'src/sessions/jobs/store-jobs.ts'

export const mutants = [
  {
    name: 'limit check',
    file: LIFECYCLE,
    from: 'goes(left, policy.concurrentSessionLimit)',
    to: 'goes(left.slice(1), policy.concurrentSessionLimit)',
    caughtBy: { file: LIMIT, test: '200 parallel opens never leave more than 1 active' },
  },
  {
    name: 'victims are the newest',
    file: LIFECYCLE,
    from: 'sessions.slice(0, above(sessions.length, by.value))',
    to: 'sessions.slice(by.value ?? sessions.length)',
    caughtBy: { file: LIMIT, test: 'turning the limit on leaves the newest session of each user' },
  },
  {
    name: 'cap per API client',
    file: LIFECYCLE,
    from: 'goes(ofClient, {',
    to: 'goes([], {',
    caughtBy: { file: LIMIT, test: 'API sessions are limited by API client' },
  },
  {
    name: 'deadline excludes its instant',
    file: LIFECYCLE,
    from: 'if (now >= due.endedAt) return due',
    to: 'if (now > due.endedAt) return due',
    caughtBy: { file: TIMEOUTS, test: 'is over at the very instant' },
  },
  {
    name: 'inactivity timeout ignored',
    file: 'src/domain/deadlines.ts',
    from: 'idles !== null && idles < expires',
    to: 'false',
    caughtBy: { file: TIMEOUTS, test: 'the inactivity timeout' },
  },
  {
    name: 'a check that is no activity counts',
    file: LIFECYCLE,
    from: 'if (!command.touch) return ok(ended)',
    to: '',
    caughtBy: { file: TIMEOUTS, test: 'is not put off by a check that is no activity' },
  },
  {
    name: 'disabled users may open',
    file: LIFECYCLE,
    from: "if (!state.status.value.active) return fail({ code: 'user_disabled' })",
    to: '',
    caughtBy: { file: RULES, test: 'ends all sessions at once, and none can be opened' },
  },
  {
    name: 'a new password voids nothing',
    file: LIFECYCLE,
    from: 'isVoid(session, state.status.version) ?',
    to: 'false ?',
    caughtBy: { file: RULES, test: 'a new password ends the sessions that were opened before it' },
  },
  {
    name: 'ids do not grow while the clock stands still',
    file: 'src/domain/session-id.ts',
    from: 'if (last >= milliseconds) {',
    to: 'if (last > milliseconds) {',
    caughtBy: { file: 'test/domain/session-id.test.ts' },
  },
  {
    name: 'version guard',
    file: 'src/domain/policy.ts',
    from: 'update !== undefined && update.version > known.version',
    to: 'update !== undefined',
    caughtBy: { file: FRESHNESS, test: 'is never undone by a copy that is older' },
  },
  {
    name: "the user's own duration loses",
    file: 'src/domain/policy.ts',
    from: 'settings: durationSeconds ?? undefined',
    to: 'settings: undefined',
    caughtBy: { file: TIMEOUTS, test: "is the user's own duration where there is one" },
  },
  {
    name: 'policy: a kind of client has no limit',
    file: LIFECYCLE,
    from: 'goes(ofKind, {',
    to: 'goes([], {',
    caughtBy: { file: LIFECYCLE_TEST, test: 'counts each kind of client for itself' },
  },
  {
    name: 'policy: who is full evicts where nobody goes unasked',
    file: LIFECYCLE,
    from: "state.policy.whenLimitReached.value === 'refuse' &&",
    to: "state.policy.whenLimitReached.value !== 'refuse' && false &&",
    caughtBy: { file: LIFECYCLE_TEST, test: 'is refused, and changes nothing' },
  },
  {
    name: 'policy: the least recently seen stays',
    file: LIFECYCLE,
    from: "policy.whenLimitReached.value === 'evict_least_recently_seen' && newest",
    to: "policy.whenLimitReached.value === 'evict_oldest' && newest",
    caughtBy: { file: LIFECYCLE_TEST, test: 'evicts whom nobody has seen for longest' },
  },
  {
    name: 'policy: a group says nothing',
    file: 'src/domain/policy.ts',
    from: "(['settings', 'group', 'config'] as const)",
    to: "(['settings', 'config'] as const)",
    caughtBy: { file: 'test/domain/policy.test.ts', test: 'a group stands between' },
  },
  {
    name: 'policy: a ceiling is exceeded',
    file: 'src/domain/policy.ts',
    from: 'if (ceiling === null) return',
    to: 'if (ceiling !== null || ceiling === null) return',
    caughtBy: { file: 'test/domain/policy.test.ts', test: 'no layer exceeds a ceiling' },
  },
  {
    name: 'policy: a preview counts who is dead already',
    file: 'src/domain/preview.ts',
    from: 'state.sessions.filter(({ id }) => !dead.has(id))',
    to: 'state.sessions',
    caughtBy: { file: 'test/domain/preview.test.ts', test: 'names just the sessions' },
  },
  {
    name: 'hash compare',
    file: OBJECT,
    from: '!sameHash(stored.secretHash, proof.secretHash)',
    to: 'false',
    caughtBy: { file: STORAGE, test: 'a holder with another secret is nobody' },
  },
  {
    name: 'the alarm does not read the rules again',
    file: OBJECT,
    from: 'this.applyUpdates(rules.value ?? {}, now)',
    to: '',
    caughtBy: { file: TIMEOUTS, test: 'ends nothing, also if the object had not heard of it' },
  },
  {
    name: 'the alarm ends sessions without D1',
    file: OBJECT,
    from: `        return this.mirror.failed(now)
      }
      this.applyUpdates(rules.value ?? {}, now)`,
    to: '      }\n      this.applyUpdates((rules.ok ? rules.value : null) ?? {}, now)',
    caughtBy: { file: TIMEOUTS, test: 'ends nothing while D1 cannot be asked' },
  },
  {
    name: 'closing read',
    file: 'src/sessions/object/mirror.ts',
    from: 'if (rules.value !== null) applyRules(rules.value, Date.now())',
    to: '',
    caughtBy: {
      file: 'test/sessions/interleavings.test.ts',
      test: 'of the status leaves a blocked user without a session',
    },
  },
  {
    name: 'what changed while on the way counts as mirrored',
    file: OBJECT_STORAGE,
    from: 'if (row?.version === version) this.idsToMirror()',
    to: 'if (row !== undefined) this.idsToMirror()',
    caughtBy: { file: MIRROR, test: 'a session that ends while its opening is on the way to D1 is mirrored again' },
  },
  {
    name: 'the mirror overwrites newer rows',
    file: 'src/store/session-records.ts',
    from: 'setWhere: sql`excluded.version > ',
    to: 'setWhere: sql`0 < ',
    caughtBy: { file: MIRROR, test: 'any order and any repetition of mirror writes' },
  },
  {
    name: 'what waits for a batch is not sent',
    file: 'src/sessions/object/mirror-batches.ts',
    from: 'return this.waiting.splice(0, full < 0 ? this.waiting.length : full)',
    to: 'return this.waiting.splice(0, 0 * full)',
    caughtBy: { file: BATCHES, test: 'goes with the next batch' },
  },
  {
    name: "one object gets another's rules",
    file: 'src/sessions/object/mirror-batches.ts',
    from: 'ok(rulesOfOthers[index] ?? null)',
    to: 'ok(rulesOfOthers[0 * index] ?? null)',
    caughtBy: { file: BATCHES, test: 'each with its own rules' },
  },
  {
    name: 'a shared batch that failed is lost',
    file: 'src/sessions/object/mirror-batches.ts',
    from: "for (const other of others) other.result = 'alone'\n      return this.send(db, own, [], tell)",
    to: 'throw error',
    caughtBy: { file: BATCHES, test: 'is the loss of no other object' },
  },
  {
    name: 'a batch has no limit',
    file: 'src/sessions/object/mirror-batches.ts',
    from: 'return count > MAX_RECORDS || bytes > MAX_BYTES\n    })\n    return this',
    to: 'return false\n    })\n    return this',
    caughtBy: { file: BATCHES, test: 'a batch takes no more records than one statement may have' },
  },
  {
    name: 'a revision outlives updates',
    file: OBJECT_STORAGE,
    from: 'if (written) this.writeFacts(this.known)\n    this.changes += 1',
    to: 'if (written) this.writeFacts(this.known)',
    caughtBy: { file: AGAIN, test: 'behind the back of this isolate' },
  },
  {
    name: 'a revision outlives a change of the session',
    file: OBJECT_STORAGE,
    from: `this.living().set(live.session.id, live)
    this.changes += 1`,
    to: 'this.living().set(live.session.id, live)',
    caughtBy: { file: AGAIN, test: 'finds at once that another client uses the session' },
  },
  {
    name: 'the time of idling out stands still',
    file: 'src/sessions/conditional-check.ts',
    from: 'idlesOutAt + lastSeenAt - session.lastSeenAt',
    to: 'idlesOutAt',
    caughtBy: { file: AGAIN, test: 'when the session idles out from then' },
  },
  {
    name: 'updates of the config are kept from an object that was asked before',
    file: 'src/sessions/conditional-check.ts',
    from: 'config !== null && config.version > (known?.configVersion ?? 0)',
    to: 'config !== null && known === null',
    caughtBy: { file: AGAIN, test: 'hands on a config that the object does not know' },
  },
  {
    name: 'an end is ended again',
    file: OBJECT_STORAGE,
    from: 'recent_client = ?, client_changes = ?, version = version + 1 WHERE id = ?`',
    to: 'recent_client = ?, client_changes = ?, version = version + 1 WHERE id = ? AND false`',
    caughtBy: { file: LIMIT, test: 'turning the limit on leaves the newest session of each user' },
  },
  {
    name: 'every check is written',
    file: OBJECT_STORAGE,
    from: 'const write = at - live.writtenLastSeenAt >= writeAfter',
    to: 'const write = at >= writeAfter',
    caughtBy: { file: 'test/counts.test.ts', test: 'a strict check asks the object and nothing else' },
  },
  {
    name: 'ended sessions are forgotten at once',
    file: OBJECT_STORAGE,
    from: '(rank > ?2 AND ended_at < ?3)',
    to: 'rank > ?2 OR ended_at < ?3',
    caughtBy: { file: STORAGE, test: 'are remembered for a day' },
  },
  {
    name: 'no second look for a change that may still land',
    file: JOBS,
    from: 'if (confirmed === 1)',
    to: 'if (confirmed >= 0)',
    caughtBy: { file: RULES, test: 'a hanging change that lands after the first look' },
  },
  {
    name: 'a refused change takes the job of another',
    file: 'src/sessions/prepared-jobs.ts',
    from: '{changeId}',
    to: '{jobs.length}',
    caughtBy: { file: RULES, test: 'one change that is refused does not take the job' },
  },
  {
    name: 'a confirmed job takes those whose changes may still land',
    file: JOBS,
    from: 'WHERE id <> ? AND confirmed AND',
    to: 'WHERE id <> ? AND',
    caughtBy: { file: 'test/sessions/store-jobs.test.ts', test: 'none whose change may still land' },
  },
  {
    name: 'a change that is confirmed while its job looks is not looked at again',
    file: JOBS,
    from: 'if (confirmed === 1) this.remove(id)',
    to: 'if (confirmed === 1 || this.find(id)?.confirmed === 1) this.remove(id)',
    caughtBy: { file: 'test/sessions/store-jobs.test.ts', test: 'while its job looks by itself' },
  },
  {
    name: 'jobs of a kind of before are not known',
    file: 'src/sessions/jobs/stored-jobs.ts',
    from: "z.literal('tell_users')",
    to: "z.literal('told_users')",
    caughtBy: { file: 'test/sessions/store-jobs.test.ts', test: 'of the kind tell_users' },
  },
  {
    name: 'a published config is never looked at again',
    file: 'src/sessions/jobs/run-job.ts',
    from: 'if (found.value?.version === version) return',
    to: 'if (found.ok) return',
    caughtBy: { file: FRESHNESS, test: 'when it shows an older write after a newer one' },
  },
  {
    name: 'the job is written after the change',
    file: 'src/sessions/prepared-jobs.ts',
    from: 'if (!written.ok) return written',
    to: '',
    caughtBy: { file: FRESHNESS, test: 'is refused and changes nothing if the job cannot be written first' },
  },
  {
    name: 'isolate copies never grow old',
    file: 'src/sessions/config-copies.ts',
    from: 'age >= MAX_COPY_AGE_MILLISECONDS',
    to: 'false',
    caughtBy: { file: FRESHNESS, test: 'is not used when it is older than 30 seconds' },
  },
  {
    name: 'kind check',
    file: 'src/sessions/service.ts',
    from: 'if (token?.kind === kind) return',
    to: 'if (token !== null) return',
    caughtBy: { file: 'test/auth/session-tokens.test.ts', test: 'of kind api is no web session' },
  },
  {
    name: 'signature check',
    file: 'src/auth/session-tokens.ts',
    from: 'const token = genuine ? decodeToken(bytes) : null',
    to: 'const token = decodeToken(bytes)',
    caughtBy: { file: 'test/auth/session-tokens.test.ts', test: 'is refused by the key ring' },
  },
  {
    name: 'retired keys verify',
    file: 'src/auth/session-tokens.ts',
    from: 'this.secrets.has(keyId)',
    to: 'true',
    caughtBy: { file: 'test/auth/session-tokens.test.ts', test: 'signed with a key that was retired is refused' },
  },
  {
    name: 'two different cookies are a session',
    file: 'src/api/session-holder.ts',
    from: 'if (found === null || found.length > 1) return ok([])',
    to: 'if (found === null) return ok([])',
    caughtBy: {
      file: 'test/api/sessions/cookies.test.ts',
      test: 'two genuine ones are no session, whatever else there is',
    },
  },
  {
    name: 'foreign pages may use the cookie',
    file: 'src/auth/origins.ts',
    from: 'if (origin !== null) return isAllowedOrigin(origin, origins)',
    to: 'if (origin !== null) return true',
    caughtBy: { file: 'test/auth/origins.test.ts' },
  },
  {
    name: 'an ended session is answered from memory',
    file: 'src/sessions/check-memory.ts',
    from: 'for (const id of sessionIds) this.answers.delete(id)',
    to: '',
    caughtBy: { file: 'test/api/sessions/freshness.test.ts', test: 'never gets one after' },
  },
  {
    name: 'memory outlives the deadline',
    file: 'src/sessions/check-memory.ts',
    from: 'now >= expiresAt',
    to: 'false',
    caughtBy: { file: 'test/api/sessions/freshness.test.ts', test: 'never gets one past the session’s deadlines' },
  },
  {
    name: 'no time floor',
    file: 'src/identity/sign-in.ts',
    from: 'scheduler.wait(deps.throttle.floorMilliseconds)',
    to: 'scheduler.wait(0)',
    caughtBy: { file: 'test/identity/sign-in.test.ts', test: 'no answer comes before the floor' },
  },
  {
    name: 'a bug is answered before the floor',
    file: 'src/identity/sign-in.ts',
    from: '} finally {\n    await floor',
    to: '} finally {\n    void floor',
    caughtBy: { file: 'test/identity/sign-in.test.ts', test: 'no answer comes before the floor' },
  },
  {
    name: 'tokens of another store are introspected',
    file: 'src/sessions/service.ts',
    from: 'return token.storeTag === storeTag(identityStoreId)',
    to: 'return token.storeTag !== identityStoreId',
    caughtBy: { file: 'test/tenancy.test.ts', test: 'are told apart by introspection' },
  },
  ...identityCenterMutants,
  ...lookerMutants,
  ...storageMutants,
  ...clientMutants,
  ...cookieMutants,
  ...openapiMutants,
  ...operationMutants,
  ...overviewMutants,
  ...runningMutants,
  ...apioMutants,
  ...epochMutants,
  ...authorityMutants,
  ...sessionMutants,
  ...callerMutants,
  ...signInMutants,
  ...faultMutants,
  ...identityMutants,
  ...inputMutants,
  ...backEndMutants,
  ...pageMutants,
  ...eventMutants,
  ...auditMutants,
  ...logoutMutants,
  ...streamMutants,
  ...ssfMutants,
]

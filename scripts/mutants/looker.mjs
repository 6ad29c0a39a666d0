/** Breakages of the rules of the session config and of API logins. */

const EFFECTS = 'test/api/looker/config-effects.test.ts'
const CONFIG = 'test/api/looker/session-config.test.ts'
const CONCURRENCY = 'test/api/looker/config-concurrency.test.ts'
const SUDO = 'test/api/looker/sudo.test.ts'
const SCANS = 'test/sessions/store-scans.test.ts'
const API_SESSIONS = 'src/sessions/api-sessions.ts'
const STORE_SCANS = 'src/sessions/jobs/store-scans.ts'
const OBJECT = 'src/sessions/object/user-sessions.ts'

export const lookerMutants = [
  {
    name: 'looker: a sudo session outlives the one it came from',
    file: API_SESSIONS,
    from: 'if (parentLives.value) return ok(checked)',
    to: 'if (parentLives.ok) return ok(checked)',
    caughtBy: { file: SUDO, test: 'when the one it came from logs out' },
  },
  {
    name: 'looker: sudo from sudo',
    file: API_SESSIONS,
    from: 'session.actor !== null || ',
    to: '',
    caughtBy: { file: SUDO, test: 'is refused from a session that was itself opened by sudo' },
  },
  {
    name: 'looker: sudo for a bot',
    file: 'src/domain/authority.ts',
    from: "sudo: { oneself: false, from: 'admin', to: 'lower', toBots: false",
    to: "sudo: { oneself: false, from: 'admin', to: 'lower', toBots: true",
    caughtBy: { file: SUDO, test: 'is refused for oneself, a bot' },
  },
  {
    name: 'looker: sudo for an equal',
    file: 'src/domain/authority.ts',
    from: "sudo: { oneself: false, from: 'admin', to: 'lower'",
    to: "sudo: { oneself: false, from: 'admin', to: 'equal_or_lower'",
    caughtBy: { file: SUDO, test: 'as admin is only for roles below' },
  },
  {
    name: 'looker: sudo without an audit event',
    file: API_SESSIONS,
    from: 'if (recorded.ok) return opened',
    to: 'return opened',
    caughtBy: { file: SUDO, test: 'that cannot be written makes sudo fail' },
  },
  {
    name: 'looker: a member changes the config',
    file: 'src/api/looker/session-config.ts',
    from: 'if (!allowed.ok) return allowed',
    to: '',
    caughtBy: { file: CONFIG, test: 'who is member may do what' },
  },
  {
    name: "looker: a member sees others' sessions",
    file: 'src/api/looker/user-sessions.ts',
    from: 'if (!own && !administers)',
    to: 'if (false)',
    caughtBy: { file: 'test/api/looker/user-sessions.test.ts', test: "a member: one's own" },
  },
  {
    name: 'looker: a web session is an access token',
    file: 'src/api/looker/caller.ts',
    from: "verify(match?.[1] ?? '', 'api')",
    to: "verify(match?.[1] ?? '', 'web')",
    caughtBy: { file: 'test/api/looker/login.test.ts', test: 'a web session, a credential and nothing' },
  },
  {
    name: "looker: lockouts of another store's users",
    file: 'src/store/lockouts.ts',
    from: 'WHERE a.user_store_id = ',
    to: 'WHERE a.user_store_id <> ',
    caughtBy: { file: 'test/api/looker/lockouts.test.ts', test: "of another store's user is neither listed" },
  },
  {
    name: 'config: nobody is told of a change',
    file: 'src/sessions/session-changes.ts',
    from: "{ kind: 'publish_config' }, { kind: 'sweep_sessions' }",
    to: "{ kind: 'publish_config' }",
    caughtBy: { file: EFFECTS, test: 'lowered, drops untouched sessions' },
  },
  {
    name: 'config: a change is not in the audit log',
    file: 'src/store/audited-row.ts',
    from: 'where: rowExists(view.table, condition',
    to: 'where: rowExists(view.table, sql`false`) ?? rowExists(view.table, condition',
    caughtBy: { file: CONFIG, test: 'has who, when, from what and to what' },
  },
  {
    name: 'config: an update writes over another',
    file: 'src/store/session-configs.ts',
    from: '{sessionConfigs.version} + 1`',
    to: '{sessionConfigs.version}`',
    caughtBy: { file: CONCURRENCY, test: '50 concurrent changes' },
  },
  {
    name: 'config: one version is written to KV again and again',
    file: 'src/sessions/jobs/run-job.ts',
    from: 'if (context.now < verifyAt) return',
    to: 'if (context.now < 0) return',
    caughtBy: { file: 'test/sessions/config-freshness.test.ts', test: 'and one version is written once' },
  },
  {
    name: 'config: objects keep locations',
    file: OBJECT,
    from: '&& this.storage.clearLocations()',
    to: '&& false',
    caughtBy: { file: EFFECTS, test: 'is not written again by an object' },
  },
  {
    name: 'sweep: goes on where it was after another change',
    file: STORE_SCANS,
    from: 'progress?.configVersion === configVersion',
    to: 'progress !== undefined',
    caughtBy: { file: SCANS, test: 'begins anew when the config is changed' },
  },
  {
    name: 'sweep: forgets whom it missed',
    file: STORE_SCANS,
    from: 'const missed = progress.missed || told.missed > 0',
    to: 'const missed = false',
    caughtBy: { file: SCANS, test: 'comes back to those who could not be told' },
  },
  {
    name: 'sweep: has no cursor',
    file: STORE_SCANS,
    from: 'progress: { ...progress, missed }',
    to: 'progress: { ...progress, cursor: "", missed }',
    caughtBy: { file: SCANS, test: 'goes on where it was when everything was killed' },
  },
  {
    name: 'looker: a revoked or expired API client goes on by its access tokens',
    file: 'src/store/users.ts',
    from: 'selectKnownUser(db, and(isUser, clientLives))',
    to: 'selectKnownUser(db, isUser)',
    caughtBy: { file: 'test/api/looker/login.test.ts', test: 'does nothing once its API client' },
  },
  {
    name: 'bulk reset: two clocks decide what was open before',
    file: 'src/sessions/jobs/reset-users.ts',
    from: 'webOpenedUntil: Number.MAX_SAFE_INTEGER',
    to: 'webOpenedUntil: job.acceptedAt',
    caughtBy: { file: 'test/api/slack/session-ends.test.ts', test: "where the user's clock is ahead" },
  },
  {
    name: 'users: who is replaced by a bot keeps the sessions',
    file: 'src/api/operator/users.ts',
    from: 'const becomesBot = row !== null && !row.bot && fields.bot',
    to: 'const becomesBot = false',
    caughtBy: { file: 'test/api/credential-owners.test.ts', test: 'a user who is made a bot' },
  },
  {
    name: 'users: who is made a bot keeps the sessions',
    file: 'src/api/operator/users.ts',
    from: 'const becomesBot = changes.bot === true && !user.value.bot',
    to: 'const becomesBot = false',
    caughtBy: { file: 'test/api/credential-owners.test.ts', test: 'a user who is made a bot' },
  },
]

/** Breakages of what operators watch and how they deploy. */

const METRICS = 'test/api/operator/metrics.test.ts'
const PLACES = 'test/jurisdiction.test.ts'
const REBUILD = 'test/sessions/rebuild.test.ts'
const DEPLOY = 'test/e2e/deploy.test.ts'
const JOBS = 'src/sessions/jobs/store-jobs.ts'

export const operationMutants = [
  {
    name: 'operations: figures are read for every scrape',
    file: 'src/limits.ts',
    from: 'export const FIGURES_MILLISECONDS = 15_000',
    to: 'export const FIGURES_MILLISECONDS = 0',
    caughtBy: { file: METRICS, test: 'are remembered for 15 seconds' },
  },
  {
    name: 'operations: every store is counted, however many there are',
    file: 'src/limits.ts',
    from: 'export const MAX_COUNTED_STORES = 1_000',
    to: 'export const MAX_COUNTED_STORES = 100_000',
    caughtBy: { file: METRICS, test: 'read no more rows of a great many stores' },
  },
  {
    name: 'operations: what happened in the hour before counts for this one',
    file: 'src/store/figures.ts',
    from: 'hours.filter(({ hour }) => hour === now - (now % HOUR_MILLISECONDS))',
    to: 'hours',
    caughtBy: { file: METRICS, test: 'count what lives and what happened in this hour' },
  },
  {
    name: 'operations: the state of all stores is for whoever administers one',
    file: 'src/api/operator/caller.ts',
    from: "if (isLimited && (identityStoreId === undefined || about === 'all')) {",
    to: "if (isLimited && about === 'all') {",
    caughtBy: { file: METRICS, test: 'are not for the administrators of a store' },
  },
  {
    name: 'operations: work that fails is told of nowhere',
    file: JOBS,
    from: 'if (row.failures + 1 >= FAILURES_TO_TELL) {',
    to: 'if (row.failures + 1 < 0) {',
    caughtBy: { file: METRICS, test: 'is told by its kind once it has failed three times in a row' },
  },
  {
    name: 'operations: work that has succeeded goes on being told of',
    file: JOBS,
    from: "if (outcome.next !== 'failed' && told)",
    to: "if (outcome.next !== 'failed' && told && row.failures < 0)",
    caughtBy: { file: METRICS, test: 'is told by its kind once it has failed three times in a row' },
  },
  {
    name: 'operations: work that nobody tries any more goes on being told of',
    file: 'src/store/figures.ts',
    from: 'WHERE next_at > ?1 GROUP BY kind',
    to: 'WHERE next_at > ?1 - 3600000 GROUP BY kind',
    caughtBy: { file: METRICS, test: 'is not told any more when nobody tries it' },
  },
  {
    name: 'operations: an endpoint that takes nothing is told of nowhere',
    file: 'src/events/event-endpoint.ts',
    from: 'if (wait !== null && failures + 1 >= FAILURES_TO_TELL) {',
    to: 'if (wait !== null && failures + 1 < 0) {',
    caughtBy: { file: METRICS, test: 'are endpoints of events too' },
  },
  {
    name: 'operations: a late copy is told of nowhere',
    file: 'src/sessions/object/mirror.ts',
    from: 'if (now - since < LATE_COPY_MILLISECONDS ||',
    to: 'if (now - since >= 0 ||',
    caughtBy: { file: METRICS, test: 'a copy that comes late to D1 says how late' },
  },
  {
    name: 'operations: a refused check is counted',
    file: 'src/app.ts',
    from: 'if (event !== undefined && path !== CHECK)',
    to: 'if (event !== undefined)',
    caughtBy: { file: METRICS, test: 'and never a check' },
  },
  {
    name: 'operations: another jurisdiction is served from new objects',
    file: 'src/jurisdiction-guard.ts',
    from: 'return this.found === null || this.found === this.ours ? null : this.found',
    to: 'return this.found === null || this.ours === this.ours ? null : this.found',
    caughtBy: { file: PLACES, test: 'answers 503 everywhere, and asks no object' },
  },
  {
    name: 'operations: who asks last says in which jurisdiction the objects are',
    file: 'src/store/deployment-facts.ts',
    from: 'if (found.value[0] !== undefined) return ok(found.value[0].value)',
    to: 'if (found.value[0] !== undefined) return ok(ours)',
    caughtBy: { file: PLACES, test: 'answers 503 everywhere, and asks no object' },
  },
  {
    name: 'operations: a kind of object is made anywhere',
    file: 'src/services.ts',
    from: 'profiles: new Profiles(objectsIn(env.PROFILES, jurisdiction)),',
    to: 'profiles: new Profiles(env.PROFILES),',
    caughtBy: { file: PLACES, test: 'every kind of object is asked for in the jurisdiction' },
  },
  {
    name: 'operations: a version that makes objects is uploaded beside another',
    file: 'scripts/deploy/gradual.mjs',
    from: 'if (has === wants) return',
    to: 'if (has !== null) return',
    caughtBy: { file: DEPLOY, test: 'refuses a version that makes Durable Objects, before anything is changed' },
  },
  {
    name: 'operations: the two versions change places, and objects go back',
    file: 'scripts/deploy/gradual.mjs',
    from: ".filter((part) => !part.endsWith('@0'))",
    to: ".filter((part) => !part.endsWith('@0')).reverse()",
    caughtBy: { file: DEPLOY, test: 'migrates, uploads a version, gives it its part' },
  },
  {
    name: 'operations: a rebuilt database lets users in by the passwords of before',
    file: 'src/store/rebuild.ts',
    from: 'passwordHash: null,',
    to: '',
    caughtBy: { file: REBUILD, test: 'learns that a user was disabled, gives no old password' },
  },
  {
    name: 'operations: the totals of a rebuilt database are counted on from what they were',
    file: 'src/sessions/jobs/rebuild-records.ts',
    from: 'passed.ok ? await recountSessions(db, identityStoreId) : passed',
    to: 'passed',
    caughtBy: { file: REBUILD, test: 'and the totals are right' },
  },
  {
    name: 'operations: an object copies again only what it has not copied',
    file: 'src/sessions/object/mirror.ts',
    from: 'this.deps.storage.forgetMirrored()',
    to: '',
    caughtBy: { file: REBUILD, test: 'and the totals are right' },
  },
  {
    name: 'operations: copies of a rebuild count as late',
    file: 'src/sessions/object/mirror.ts',
    from: 'this.copiesAgain = true',
    to: '',
    caughtBy: { file: REBUILD, test: 'that were lost for long say nothing of how late they come' },
  },
  {
    name: 'operations: a restored config is older than what is published, and holds nowhere',
    file: 'src/store/rebuild.ts',
    from: 'if (published === null) return ok(false)',
    to: 'if (published !== undefined) return ok(false)',
    caughtBy: { file: REBUILD, test: 'has its session config hold again, everywhere' },
  },
  {
    name: 'operations: users beyond the first step are not rebuilt',
    file: 'src/sessions/jobs/rebuild-records.ts',
    from: 'if (last === undefined || found.value.length < OBJECTS_AT_ONCE) {',
    to: 'if (last !== null) {',
    caughtBy: { file: REBUILD, test: 'of more users than one step takes come back' },
  },
  {
    name: 'operations: a copy of sessions is in a span that nobody documents',
    file: 'src/sessions/object/mirror.ts',
    from: "inSpan('mirror',",
    to: "inSpan('hash',",
    caughtBy: { file: 'test/spans.test.ts', test: 'each kind of work that is documented is in a span' },
  },
]

/** Breakages of starting the service, and of what it says while it is not ready. */

const UNREADY = 'test/unready.test.ts'
const SERVICES = 'test/e2e/two-services.test.ts'
const DEV = 'test/e2e/dev.test.ts'
const DOCUMENTS = 'test/e2e/documents.test.ts'

export const runningMutants = [
  {
    name: 'running: a missing migration is a bug',
    file: 'src/api/bugs.ts',
    from: 'if (behind !== null) return behind',
    to: '',
    caughtBy: { file: UNREADY, test: 'with a migration missing' },
  },
  {
    name: 'running: /healthz does not look at the schema',
    file: 'src/api/sessions/health.ts',
    from: 'missingMigrations.length > 0',
    to: 'false',
    caughtBy: { file: UNREADY, test: 'with a migration missing' },
  },
  {
    name: 'running: an answer does not say which secret is missing',
    file: 'src/api/unready.ts',
    from: "names.join(', ')}. Locally",
    to: "'something'}. Locally",
    caughtBy: { file: UNREADY, test: 'without its secrets' },
  },
  {
    name: 'running: a directory in use is taken',
    file: 'scripts/dev/directory-lock.mjs',
    from: 'if (alive.length === 0) remove(path, held)',
    to: 'if (alive.length >= 0) remove(path, held)',
    caughtBy: { file: 'test/house/directory-lock.test.ts', test: 'that a live process has is refused' },
  },
  {
    name: 'running: a lock outlives its process',
    file: 'scripts/dev/directory-lock.mjs',
    from: 'running.pid === pid && HOLDERS.test(running.args)',
    to: 'running.pid > 0 && pid > 0',
    caughtBy: { file: 'test/house/directory-lock.test.ts', test: 'whose process has ended is taken over' },
  },
  {
    name: 'running: two services share what is generated',
    file: 'scripts/whole-file.mjs',
    from: '  if (says(path, content)) {',
    to: '  if (false) {',
    caughtBy: { file: 'test/house/whole-file.test.ts', test: 'leaves a file alone that says the same' },
  },
  {
    name: 'running: the local explorer is on',
    file: '.env',
    from: 'X_LOCAL_EXPLORER=false',
    to: 'X_LOCAL_EXPLORER=true',
    caughtBy: { file: DEV, test: 'gives no local explorer' },
  },
  {
    name: 'running: a secret is printed',
    file: 'scripts/dev/print.mjs',
    from: "signIn(user, secret('users[0].password'))",
    to: 'signIn(user, user.password)',
    caughtBy: { file: DEV, test: 'prints lines that work' },
  },
  {
    name: 'running: neighbours may not sign in',
    file: 'scripts/dev/options.mjs',
    from: '...neighbourly(ip)',
    to: '',
    caughtBy: { file: SERVICES, test: 'takes sign-ins of pages under its addresses' },
  },
  {
    name: 'running: a page has a command that fails',
    file: 'docs/slack.md',
    from: 'duration=86400',
    to: 'duration=1',
    caughtBy: { file: DOCUMENTS, test: 'docs/slack.md: every command works, twice' },
  },
  {
    name: 'running: an old Node is not noticed',
    file: 'scripts/require-node.mjs',
    from: 'const NEEDED = 22',
    to: 'const NEEDED = 18',
    caughtBy: { file: 'test/house/require-node.test.ts', test: 'who starts vitest on an old Node' },
  },
  {
    name: 'running: an outage of a check is logged without its request',
    file: 'src/sessions/service.ts',
    from: 'await askAgain(call, requestId)',
    to: 'await askAgain(call)',
    caughtBy: { file: 'test/app.test.ts', test: 'so is an outage that keeps a check waiting' },
  },
  {
    name: 'running: an outage of a bound Worker is logged without an id',
    file: 'src/entrypoint.ts',
    from: 'return logContext.run({ requestId }, () => act(requestId))',
    to: 'return act(requestId)',
    caughtBy: { file: 'test/entrypoint.test.ts', test: 'has its outages logged with an id' },
  },
]

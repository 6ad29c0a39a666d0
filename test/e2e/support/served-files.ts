/**
 * The files of tests that are served as `npm run dev` would, without its start: from one bundle, made before all of them
 * (model.ts).
 */
export const SERVED = [
  ...[
    'apio',
    'audit-verify',
    'browser-cookies',
    'client-readme',
    'console-acts',
    'console-complaints',
    'console-screens',
    'database-lost',
    'devices-page',
    'docs-page',
  ],
  ...[
    'erasure',
    'identity-center',
    'locations',
    'looker',
    'monitoring',
    'printed-secrets',
    'session-events',
    'slack',
    'slack-bodies',
  ],
]
  .map((name) => `test/e2e/${name}.test.ts`)
  .concat('test/faults/crash.test.ts')

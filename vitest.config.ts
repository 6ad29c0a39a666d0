import './scripts/require-node.mjs'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { SERVED } from './test/e2e/support/served-files.ts'
import { freePort } from './test/support/free-port.ts'
import { SECRETS } from './test/support/secrets.ts'

/** Where CI wants a report for machines; none otherwise. */
const report = process.env.TEST_REPORT

/** In plain Node. Session ids and tokens are not among them: they need the hex of `Uint8Array`, which Node 24 has not. */
const PLAIN = [
  'test/domain/{lifecycle,policy,preview,profile,address-prefix}*.test.ts',
  'test/house/**/*.test.ts',
  'test/client/plain/*.test.ts',
  'test/console/*.test.ts',
]
/** By `npm run dev`, which some test and others break. */
const STARTED = ['test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts']
/** How both are run: clients and browsers take most of their time. */
const WITH_CLIENTS = {
  setupFiles: ['test/e2e/support/watch.ts'],
  maxWorkers: 2,
  // A process of its own takes seconds to load what all of them need.
  isolate: false,
  sequence: { groupOrder: 1 },
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // Bounds what is waited for in vain. The default, a second, would say how fast the machine is.
  expect: { poll: { timeout: 30_000 } },
}

/** Plain code, the Worker in workerd, and the Worker as it is served, with real clients. */
export default defineConfig({
  test: {
    silent: 'passed-only',
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
    projects: [
      {
        test: {
          name: 'unit',
          include: PLAIN,
          isolate: false,
          maxWorkers: 1,
        },
      },
      {
        logLevel: 'error',
        plugins: [
          cloudflareTest(async () => {
            const port = await freePort()
            return {
              wrangler: { configPath: './wrangler.toml' },
              miniflare: {
                // test/client/subjects.ts asks the service over it.
                unsafeDirectSockets: [{ host: '127.0.0.1', port }],
                bindings: {
                  ...SECRETS,
                  PORT: port,
                  SIGN_IN_FLOOR_MILLISECONDS: '0',
                  // That of the test users' hashes (test/support/stores.ts): next to nothing.
                  PASSWORD_HASH_COST: 'ln=1,r=1,p=1',
                  // It strikes where a test says so (test/support/application-server.ts), not on a slow machine.
                  APPLICATION_SERVER_TIMEOUT_MILLISECONDS: '10000',
                  // A round of every kind of change at least (test/sessions/interleavings.test.ts).
                  INTERLEAVINGS: Number(process.env.INTERLEAVINGS ?? 100),
                  // Of test/fuzz.test.ts. `npm run fuzz` sends many more.
                  FUZZ_REQUESTS: Number(process.env.FUZZ_REQUESTS ?? 600),
                  FUZZ_SEED: Number(process.env.FUZZ_SEED ?? 1),
                  // Whether tests that have a short form run whole (`npm run campaigns`).
                  WHOLE: process.env.WHOLE === '1',
                  D1_MIGRATIONS: await readD1Migrations('migrations'),
                  APPLICATION_SERVER_MIGRATIONS: await readD1Migrations('examples/application-server/migrations'),
                },
                // test/support/application-server.ts puts the example application server behind the binding.
                d1Databases: { APPLICATION_SERVER_DB: 'application-server' },
                serviceBindings: { APPLICATION_SERVER: () => new Response('nobody is here', { status: 503 }) },
              },
            }
          }),
        ],
        test: {
          name: 'workers',
          isolate: false,
          // All files in one run of one runtime, which listens on one port.
          maxWorkers: 1,
          include: ['test/**/*.test.ts'],
          exclude: [...PLAIN, ...STARTED],
          setupFiles: ['test/support/setup.ts'],
          restoreMocks: true,
          // Bounds a test that hangs; says nothing about speed, nor about what else the machine does.
          testTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: STARTED,
          exclude: SERVED,
          globalSetup: ['test/e2e/support/build-client.ts'],
          ...WITH_CLIENTS,
        },
      },
      {
        test: {
          name: 'served',
          include: SERVED,
          globalSetup: ['test/e2e/support/build-client.ts', 'test/e2e/support/model.ts'],
          ...WITH_CLIENTS,
        },
      },
    ],
  },
})

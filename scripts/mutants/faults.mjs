/** Breakages of what callers are told while something is broken. */

const FAULTS = 'test/faults.test.ts'

export const faultMutants = [
  {
    name: 'faults: Slack clients are told of a bug when D1 is out of reach',
    file: 'src/api/slack/errors.ts',
    from: "return { error: 'service_unavailable' }",
    to: "return { error: 'internal_error' }",
    caughtBy: { file: FAULTS, test: 'while D1 refuses' },
  },
  {
    name: 'faults: Looker clients are not told when to come back',
    file: 'src/api/looker/errors.ts',
    from: "'Temporarily unavailable', retryAfter(error.retryAfterSeconds))",
    to: "'Temporarily unavailable')",
    caughtBy: { file: FAULTS, test: 'while D1 refuses' },
  },
]

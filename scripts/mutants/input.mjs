/** Mutants of what enters: names, text, refusals, and the vendors' ways of sending. */
const INPUT = 'test/api/input.test.ts'

export const inputMutants = [
  {
    name: 'input: user names are not brought to one form',
    file: 'src/domain/text.ts',
    from: "  return username.normalize('NFKC').trim()",
    to: '  return username.trim()',
    caughtBy: { file: INPUT, test: 'one form of a user name' },
  },
  {
    name: 'input: half a character passes',
    file: 'src/api/parse.ts',
    from: 'if (illFormed !== null)',
    to: "if (illFormed?.[0] === '')",
    caughtBy: { file: INPUT, test: 'half a character' },
  },
  {
    name: 'input: every issue is named',
    file: 'src/api/parse.ts',
    from: '    .slice(0, MAX_ISSUES)\n',
    to: '',
    caughtBy: { file: INPUT, test: 'ten of many issues' },
  },
  {
    name: 'input: the library speaks for itself',
    file: 'src/api/parse.ts',
    from: 'schema.safeParse(value, { error: describeIssue })',
    to: 'schema.safeParse(value)',
    caughtBy: { file: INPUT, test: 'in our own words' },
  },
  {
    name: 'slack: arguments in the URL of a POST are dropped',
    file: 'src/api/slack/arguments.ts',
    from: 'named([...inUrl, ...inBody.value])',
    to: 'named(inBody.value)',
    caughtBy: { file: INPUT, test: 'arguments in the URL of a POST' },
  },
  {
    name: 'looker: an empty segment is another path',
    file: 'src/api/looker/routes.ts',
    from: '  mergesSlashes: true,\n',
    to: '',
    caughtBy: { file: INPUT, test: 'the Ruby client' },
  },
  {
    name: 'looker: changes of the config are not limited',
    file: 'src/api/looker/session-config.ts',
    from: '  if (!admitted.ok) return admitted\n',
    to: '',
    caughtBy: { file: INPUT, test: 'changes of the session config are limited' },
  },
  {
    name: 'tokens: a wrong kind is told as none',
    file: 'src/api/wrong-token.ts',
    from: 'if (session === null) return error',
    to: 'if (session !== undefined) return error',
    caughtBy: { file: INPUT, test: 'a genuine token of the wrong kind' },
  },
]

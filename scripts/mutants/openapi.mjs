/** Mutants of the document that generators of clients read. */
const DOCUMENT = 'test/api/openapi.test.ts'
const SCHEMAS = 'src/api/openapi-schemas.ts'

export const openapiMutants = [
  {
    name: 'openapi: what enters is taken for what leaves',
    file: SCHEMAS,
    from: 'JSON.stringify(input[name]) !== JSON.stringify(output[name])',
    to: 'input[name] === null',
    caughtBy: { file: DOCUMENT, test: 'has another name there' },
  },
  {
    name: 'openapi: what refers to a schema with two names has one',
    file: SCHEMAS,
    from: 'if (refersToFound(name)) found.add(name)',
    to: 'if (refersToFound(name)) continue',
    caughtBy: { file: DOCUMENT, test: 'has another name there' },
  },
  {
    name: 'openapi: two schemas share a name unseen',
    file: SCHEMAS,
    from: 'rename(name) in output.named || rename(name) in input.named',
    to: 'name === undefined',
    caughtBy: { file: DOCUMENT, test: 'cannot have the name of another' },
  },
  {
    name: 'openapi: an answer is closed to new members',
    file: SCHEMAS,
    from: 'def.catchall === undefined) delete',
    to: 'def.catchall === null) delete',
    caughtBy: { file: DOCUMENT, test: 'may gain members' },
  },
  {
    name: 'openapi: a status that a route never has is told',
    file: 'src/api/openapi.ts',
    from: '.filter((status) => route.errors?.[status] !== null)',
    to: '',
    caughtBy: { file: 'test/api/route.test.ts', test: 'name the errors' },
  },
  {
    name: 'openapi: a code has members that are not documented',
    file: 'src/api/problem-body.ts',
    from: '  request_too_large: { limit_bytes: z.int() },\n',
    to: '',
    caughtBy: { file: 'test/api/problems.test.ts', test: 'no others' },
  },
]

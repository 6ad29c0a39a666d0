import { expect, test } from 'vitest'
import readme from '../README.md?raw'
import { send } from './support/requests.ts'

test("README's endpoint table has exactly the routes of /openapi.json", async () => {
  const document = (await (await send('/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> }
  const served = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const listed = [...readme.matchAll(/^\| `([A-Z]+ \/\S*)`\s+\|/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual(served.toSorted())
})

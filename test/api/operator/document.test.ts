/** docs/operator.md has a line to try for every operation; that each works is for the test of all documents. */
import { expect, test } from 'vitest'
import identityCenter from '../../../docs/identity-center.md?raw'
import operating from '../../../docs/operating.md?raw'
import page from '../../../docs/operator.md?raw'
import { operatorApi } from '../../../src/api/operator/routes.ts'

/** What another page shows, with what belongs to it; that this page leads there is looked at as well. */
const ELSEWHERE = {
  bootstrap: { name: 'operating.md', text: operating },
  recoverOperator: { name: 'operating.md', text: operating },
  openAuthorizationMessage: { name: 'identity-center.md', text: identityCenter },
}

/** The requests of a page's commands to the operator API, as `METHOD /path`, with the variables of the shell in it. */
function requestsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const lines = blocks.flatMap((block) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
  const variables = new Map<string, string>()
  const requests: string[] = []
  for (const line of lines) {
    const [, name, value] = /^([A-Z]+)=(\S+)/.exec(line) ?? []
    if (name !== undefined && value?.includes('/operator/') === true) variables.set(name, value)
    for (const [command] of line.matchAll(/(?:operate|in_console|curl) [^|]*/g)) {
      const known = command.replaceAll(/\$([A-Z]+)/g, (text, name) => variables.get(name) ?? text)
      const [, path] = /\/operator(\/[^\s"'?)]*)/.exec(known.replaceAll(/\$([A-Z]+)/g, '$1')) ?? []
      const [, method = / -d /.test(command) ? 'POST' : 'GET'] = /-X ([A-Z]+)/.exec(command) ?? []
      if (path !== undefined) requests.push(`${method} ${path}`)
    }
  }
  return requests
}

/** The operations that a page shows; the first one that fits is that which is served. */
function shownOn(text: string): Set<string> {
  const routes = operatorApi.routes.map(({ method, path, operationId }) => {
    return { operationId, pattern: new RegExp(`^${method} ${path.replaceAll(/:\w+/g, '[^/]+')}$`) }
  })
  const shown = requestsOf(text).map((request) => routes.find(({ pattern }) => pattern.test(request))?.operationId)
  return new Set(shown.filter((operationId) => operationId !== undefined))
}

test('every operation has a line to try', () => {
  const shown = shownOn(page)
  const missing = operatorApi.routes.map(({ operationId }) => operationId).filter((one) => !shown.has(one))
  expect(missing.toSorted()).toEqual(Object.keys(ELSEWHERE).toSorted())
  for (const [operationId, { name, text }] of Object.entries(ELSEWHERE)) {
    expect([operationId, page.includes(`(${name}#`), shownOn(text).has(operationId)]).toEqual([operationId, true, true])
  }
})

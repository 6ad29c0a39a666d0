// The operator API as methods: those of a store, and of a user, know their path; lists are read to their end.

const STORE = 'identity_store_id'
const USER = 'user_id'

/** The text of a module with the three levels of methods. */
export function facade({ paths, components }) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.values(methods)
      .filter((operation) => operation.operationId !== undefined)
      .map((operation) => ({
        name: operation.operationId,
        summary: operation.summary,
        parameters: Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name),
        hasBody: operation.requestBody !== undefined,
        asks: (operation.parameters ?? []).some(({ in: place, required }) => place === 'query' && required === true),
        items: itemsOf(operation, components),
      })),
  )
  const has = (name) => (operation) => operation.parameters.includes(name)
  const store = operations.filter(has(STORE))
  const levels = [
    ['operatorMethods', [], operations.filter((operation) => !has(STORE)(operation))],
    ['storeMethods', [STORE], store.filter((operation) => !has(USER)(operation))],
    ['userMethods', [STORE, USER], store.filter(has(USER))],
  ]
  const types = operations.flatMap(({ name, items }) => {
    const type = name[0].toUpperCase() + name.slice(1)
    return items === null ? [`${type}Data`] : [`${type}Data`, `${type}Responses`]
  })
  return [
    '// Generated from the OpenAPI document.',
    `import { all, type Bound } from '../lists.ts'`,
    `import type { Client } from './client/index.ts'`,
    `import * as sdk from './sdk.gen.ts'`,
    `import type { ${[...new Set(types)].join(', ')} } from './types.gen.ts'`,
    ...levels.map(([name, given, list]) => level(name, given, list)),
    '',
  ].join('\n')
}

function level(name, given, operations) {
  const keys = given.length === 0 ? 'never' : given.map((key) => `'${key}'`).join(' | ')
  return [
    '',
    `export function ${name}(client: Client, path: Record<${keys}, string>) {`,
    '  return {',
    ...operations.map((operation) => method(operation, given, keys)),
    '  }',
    '}',
  ].join('\n')
}

function method({ name, summary, parameters, hasBody, asks, items }, given, keys) {
  const type = name[0].toUpperCase() + name.slice(1)
  const needed = hasBody || asks || parameters.some((parameter) => !given.includes(parameter))
  const options = `options: Bound<${type}Data, ${keys}>${needed ? '' : ' = {}'}`
  const request = `{ ...options, client, path: { ...path, ...(options as { path?: object }).path } } as never`
  const item = `${type}Responses[200]['${items}'][number]`
  return [
    `    /** ${summary} */`,
    items === null
      ? `    ${name}: (${options}) => sdk.${name}<false>(${request}),`
      : `    ${name}: (${options}): AsyncIterable<${item}> => all(sdk.${name}, ${request}, '${items}'),`,
  ].join('\n')
}

/** The name of the member with the list, where an operation answers in pages. */
function itemsOf({ responses }, { schemas = {} }) {
  const schema = responses['200']?.content?.['application/json']?.schema
  const { properties = {} } = schemas[schema?.$ref?.split('/').at(-1)] ?? schema ?? {}
  if (properties.next_cursor === undefined) return null
  const [name = null] = Object.keys(properties).filter((key) => properties[key].type === 'array')
  return name
}

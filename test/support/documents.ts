/** The OpenAPI documents as they are served. */
import { DOCUMENTS } from './document-paths.ts'
import { send } from './requests.ts'

/** What every document has, as a test reads it. */
export interface OpenApi<Operation> {
  readonly openapi: string
  readonly tags: readonly { readonly name: string }[]
  readonly security?: readonly Record<string, unknown>[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** All of them. */
export function readDocuments<Document = OpenApi<object>>(): Promise<Document[]> {
  return Promise.all(DOCUMENTS.map(async (path) => (await (await send(path)).json()) as Document))
}

/** The operations of a document, or of several: the methods of each path. */
export function operationsOf<Operation>(...documents: readonly Pick<OpenApi<Operation>, 'paths'>[]) {
  return documents.flatMap(({ paths }) =>
    Object.entries(paths).flatMap(([path, { parameters: _, ...methods }]) =>
      Object.entries(methods).map(([method, operation]) => ({
        ...operation,
        route: `${method.toUpperCase()} ${path}`,
      })),
    ),
  )
}

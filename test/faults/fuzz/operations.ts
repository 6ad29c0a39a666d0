/** What the OpenAPI documents say can be asked. */
import type { Schema } from './schemas.ts'

/** One method of one path. */
export interface Operation {
  readonly id: string
  /** The API's name. */
  readonly api: string
  /** In upper case. */
  readonly method: string
  /** With `{parameter}`s. */
  readonly path: string
  readonly query: readonly { readonly name: string; readonly schema: Schema }[]
  readonly body: { readonly schema: Schema; readonly mediaTypes: readonly string[] } | null
  /** Names of security schemes: any of them will do. */
  readonly security: readonly string[]
  readonly takesIdempotencyKey: boolean
  /** What it says it answers with. */
  readonly statuses: ReadonlySet<number>
}

interface Parameter {
  readonly $ref?: string
  readonly name: string
  readonly in: string
  readonly schema: Schema
}

interface DescribedOperation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly description?: string }>>
  readonly security?: readonly Record<string, unknown>[]
}

export interface Document {
  readonly security?: readonly Record<string, unknown>[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly parameters?: Readonly<Record<string, Parameter>>
  }
}

/** Every operation of a document. */
export function operationsOf(document: Document): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, { parameters: _, ...methods }]) =>
    Object.entries(methods).map(([method, described]) => operation(document, path, method, described)),
  )
}

function operation(document: Document, path: string, method: string, described: DescribedOperation): Operation {
  const parameters = (described.parameters ?? []).map((one) => resolved(document, one))
  const content = Object.entries(described.requestBody?.content ?? {})
  const [first] = content
  return {
    id: described.operationId,
    api: described.tags[0] ?? '',
    method: method.toUpperCase(),
    path,
    query: parameters.filter((one) => one.in === 'query'),
    body: first === undefined ? null : { schema: first[1].schema, mediaTypes: content.map(([mediaType]) => mediaType) },
    security: (described.security ?? document.security ?? []).flatMap((one) => Object.keys(one)),
    takesIdempotencyKey: parameters.some(({ name }) => name === 'Idempotency-Key'),
    statuses: statusesOf(described.responses),
  }
}

function resolved({ components }: Document, parameter: Parameter): Parameter {
  const name = parameter.$ref?.slice(parameter.$ref.lastIndexOf('/') + 1)
  return name === undefined ? parameter : (components.parameters?.[name] ?? parameter)
}

/** What follows from what an operation takes stands under `default`, by its statuses: "Fails with 401, 503." */
function statusesOf(responses: DescribedOperation['responses']): ReadonlySet<number> {
  const told = Object.entries(responses).flatMap(([status, { description = '' }]) =>
    status === 'default' ? [...description.matchAll(/\d{3}/g)].map(([digits]) => digits) : [status],
  )
  return new Set(told.map(Number))
}

/** Values that fit a JSON Schema of the OpenAPI documents, as far as it says what fits. */
import fc from 'fast-check'
import { isObject, type Json, type Member, object } from './json.ts'

/** A JSON Schema, as much of it as the documents use. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly minItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly format?: string
}

/** Values by the name of the field or parameter that takes them: what there is, and what there once was. */
export type Known = Readonly<Record<string, readonly (string | number)[]>>

/** What the schemas of a document are read with. */
export interface Schemas {
  readonly named: Readonly<Record<string, Schema>>
  readonly known: Known
}

/** Any value that fits. `name` is that of the field it is for. */
export function fitting(schema: Schema, schemas: Schemas, name = ''): fc.Arbitrary<Json> {
  const inner = (other: Schema, called = name) => fitting(other, schemas, called)
  if (schema.$ref !== undefined) return inner(schemas.named[schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)] ?? {})
  if (schema.const !== undefined) return fc.constant(schema.const as Json)
  if (schema.enum !== undefined) return fc.constantFrom(...(schema.enum as Json[]))
  const some = schema.anyOf ?? schema.oneOf
  if (some !== undefined) return fc.oneof(...some.map((one) => inner(one)))
  if (schema.allOf !== undefined) {
    return fc
      .tuple(...schema.allOf.map((one) => inner(one)))
      .map((parts) => object(...parts.flatMap((part) => (isObject(part) ? part.members : []))))
  }
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0]
  switch (type) {
    case 'object':
      return members(schema, schemas)
    case 'array':
      return fc.array(inner(schema.items ?? {}, name.replace(/s$/, '')), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(3, schema.minItems ?? 0),
      })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'integer':
    case 'number':
      return fc.oneof(...knownOf(schemas, name, 'number'), number(schema))
    case 'string':
      return fc.oneof(...knownOf(schemas, name, 'string'), text(schema))
    default:
      return fc.constantFrom<Json>('x', 1, null, [])
  }
}

function members({ properties = {}, required = [], additionalProperties }: Schema, schemas: Schemas) {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const member = fitting(schema, schemas, name).map((value): Member[] => [[name, value]])
    return required.includes(name) ? member : fc.oneof(member, fc.constant<Member[]>([]))
  })
  if (typeof additionalProperties === 'object' && Object.keys(properties).length === 0) {
    const value = fitting(additionalProperties, schemas)
    fields.push(value.map((one): Member[] => [['x', one]]))
  }
  return fc.tuple(...fields).map((found) => object(...found.flat()))
}

function knownOf(schemas: Schemas, name: string, type: 'string' | 'number') {
  const found = (Object.hasOwn(schemas.known, name) ? (schemas.known[name] ?? []) : []).filter(
    (value) => typeof value === type,
  )
  return found.length === 0 ? [] : [{ weight: 4, arbitrary: fc.constantFrom<Json>(...found) }]
}

function number({ minimum = 0, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  return fc.integer({ min: Math.max(minimum, -2_147_483_648), max: Math.min(maximum, 2_147_483_647) })
}

const BY_FORMAT: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z', '9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z'],
  uuid: ['0193e7b2-6a1c-7c3e-9f44-1b2a90c0d1e2'],
  email: ['somebody@pie.example'],
  // Whoever is sent anything listens on no port of this machine.
  uri: ['http://127.0.0.1:9/hook', 'http://localhost:9/'],
  ipv4: ['192.0.2.1'],
  ipv6: ['2001:db8::1'],
}

function text({ format, minLength = 0, maxLength = 100 }: Schema): fc.Arbitrary<string> {
  const examples = format === undefined ? undefined : BY_FORMAT[format]
  if (examples !== undefined) return fc.constantFrom(...examples)
  return fc.oneof(
    fc.constantFrom('abc', 'A name', 'name@pie.example').map((one) => one.slice(0, maxLength)),
    fc.string({ unit: 'grapheme', minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) }),
  )
}

/** JSON Schemas for the document: one with a name (`.meta({ id })`) stands once, and is referred to by it. */
import { z } from 'zod'
import { SESSION_ID_PATTERN } from '../domain/session-id.ts'

/** A JSON Schema, or a reference to one. */
export type JsonSchema = z.core.JSONSchema.BaseSchema

/** What enters or leaves. */
type Direction = 'input' | 'output'

type Named = Record<string, JsonSchema>

/** Every schema of the document, converted. */
export interface JsonSchemas {
  /** `components.schemas`, by name. */
  readonly named: Readonly<Named>
  /** One of those that were converted: a reference if it has a name. */
  of(schema: z.ZodType, direction: Direction): JsonSchema
}

/**
 * Converts what enters and what leaves. Where a named schema says another thing of the one than of the other, as with
 * defaults, what enters has the name with `Input` behind it. Throws where two schemas share a name.
 */
export function jsonSchemas(entering: Iterable<z.ZodType>, leaving: Iterable<z.ZodType>): JsonSchemas {
  const [input, output] = [convert(entering, 'input'), convert(leaving, 'output')]
  const others = differing(input.named, output.named)
  const rename = (name: string) => (others.has(name) ? `${name}Input` : name)
  const named = { ...output.named }
  for (const [name, schema] of Object.entries(input.named)) {
    if (others.has(name) && (rename(name) in output.named || rename(name) in input.named)) {
      throw new Error(`two schemas have the name ${rename(name)}`)
    }
    named[rename(name)] = withReferences(schema, rename)
  }
  return {
    named: Object.fromEntries(Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    of(schema, direction) {
      const found = (direction === 'input' ? input : output).roots.get(schema)
      if (found === undefined) throw new Error('a schema was not converted')
      return direction === 'input' ? withReferences(found, rename) : found
    },
  }
}

/** All of one direction at once, so that zod sees two that share a name. */
function convert(schemas: Iterable<z.ZodType>, io: Direction) {
  const all = [...new Set(schemas)]
  const { prefixItems = [], $defs = {} } = withReferences(
    z.toJSONSchema(z.tuple(all as [z.ZodType]), { io, unrepresentable: 'any', override: plainer }),
    (name) => name,
  )
  const roots = new Map(all.map((schema, index) => [schema, prefixItems[index] as JsonSchema]))
  return { roots, named: $defs as Named }
}

const PLACE = '#/components/schemas/'

/** The same with each reference leading to the name that `rename` gives. */
function withReferences(schema: JsonSchema, rename: (name: string) => string): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value) =>
    key === '$ref' && typeof value === 'string' ? PLACE + rename(value.replace(/^.*\//, '')) : orNull(value),
  )
}

/** What may be null in the short form: `"type": ["string", "null"]`. */
function orNull(schema: JsonSchema): JsonSchema {
  const [one, other, ...more] = Array.isArray(schema?.anyOf) ? schema.anyOf : []
  if (other?.type !== 'null' || more.length > 0 || typeof one?.type !== 'string') return schema
  const { anyOf: _, ...rest } = schema
  return { ...one, ...rest, type: [one.type, 'null'], ...(one.enum && { enum: [...one.enum, null] }) } as JsonSchema
}

/** The names of what is not the same on both sides, itself or in what it refers to. */
function differing(input: Named, output: Named): ReadonlySet<string> {
  const both = Object.keys(input).filter((name) => name in output)
  const found = new Set(both.filter((name) => JSON.stringify(input[name]) !== JSON.stringify(output[name])))
  const refersToFound = (name: string) =>
    [...found].some((other) => JSON.stringify(input[name]).includes(`"${PLACE}${other}"`))
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const name of both) if (refersToFound(name)) found.add(name)
  }
  return found
}

/** Leaves out what tells a reader nothing. */
function plainer({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  // Answers may get new members; only what enters is refused for them.
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.pattern === SESSION_ID_PATTERN.source) jsonSchema.format = 'uuid'
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern
  if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames
}

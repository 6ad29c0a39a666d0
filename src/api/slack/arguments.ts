/**
 * The arguments of a call, as Slack's clients send them: a form, JSON, multipart, or a query, in UTF-8 or
 * ISO 8859-1. What comes as text becomes what the argument's name says it is.
 */

import type { z } from 'zod'
import { fail, ok, type Result } from '../../domain/result.ts'
import { findIllFormedText } from '../../domain/text.ts'
import { mediaType, readBody } from '../../http/body.ts'
import { MAX_ISSUES } from '../../limits.ts'
import { moreThan } from '../parse.ts'
import { describeIssue } from '../parse-messages.ts'
import { invalidArguments, type Refusal, refusal, refusalOf } from './errors.ts'

/** Largest body, in bytes (256 KiB): 1 000 user ids of 64 characters, percent-encoded, fit. */
const MAX_ARGUMENT_BYTES = 262_144
/** Longest name of an argument, in characters. */
const MAX_NAME_LENGTH = 100

/** Named values as they came: text, or what JSON can say. */
export type Arguments = ReadonlyMap<string, unknown>

/** Every argument that is not text, under all methods that take it. */
const KINDS = new Map<string, 'list' | 'integer' | 'boolean'>([
  ['user_ids', 'list'],
  ['duration', 'integer'],
  ['limit', 'integer'],
  ['session_id', 'integer'],
  ['desktop_app_browser_quit', 'boolean'],
  ['mobile_only', 'boolean'],
  ['web_only', 'boolean'],
])

/**
 * The arguments of a request: those in its URL, and of a POST also those in its body. A token is never taken from a
 * URL. A POST without body and media type has no arguments in its body; python's client sends an empty JSON body.
 */
export async function readArguments(request: Request): Promise<Result<Arguments, Refusal>> {
  const inUrl = [...new URL(request.url).searchParams].filter(([name]) => name !== 'token')
  if (request.method !== 'POST') return named(inUrl)
  const inBody = await readBodyArguments(request)
  return inBody.ok ? named([...inUrl, ...inBody.value]) : inBody
}

type Pairs = readonly (readonly [string, unknown])[]

async function readBodyArguments(request: Request): Promise<Result<Pairs, Refusal>> {
  const type = mediaType(request)
  const charset = charsetOf(request)
  if (type !== null && !TYPES.has(type)) return refusal('invalid_post_type')
  if (charset === null) return refusal('invalid_charset')
  const body = await readBody(request, MAX_ARGUMENT_BYTES)
  if (!body.ok) return fail(refusalOf(body.error))
  // Even a multipart form without fields has an end; node's client labels calls without arguments as a form.
  if (body.value.length === 0) return type === 'multipart/form-data' ? refusal('invalid_form_data') : ok([])
  if (type === null) return refusal('missing_post_type')
  if (type === 'multipart/form-data') return readMultipart(request, body.value)
  const text = decode(body.value, charset)
  const json = type === 'application/json' || (type === 'text/plain' && text?.trimStart().startsWith('{') === true)
  if (text === null) return refusal(json ? 'invalid_json' : 'invalid_form_data')
  return json ? readJson(text) : readForm(text, charset)
}

/** Whether the body says that it is a form, and no arguments came at all. */
export function lacksForm(request: Request, given: Arguments): boolean {
  return given.size === 0 && request.method === 'POST' && mediaType(request) === 'application/x-www-form-urlencoded'
}

const TYPES = new Set(['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'])
const CHARSETS = new Set(['utf-8', 'utf8', 'iso-8859-1'])

/** The charset that the content type names; UTF-8 if it names none, null if it is none that we read. */
function charsetOf(request: Request): string | null {
  const named = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers.get('content-type') ?? '')?.[1]
  const charset = named?.toLowerCase() ?? 'utf-8'
  return CHARSETS.has(charset) ? charset : null
}

function decode(bytes: Uint8Array, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    return null
  }
}

function readJson(text: string): Result<Pairs, Refusal> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refusal('json_not_object')
    const illFormed = findIllFormedText(value)
    if (illFormed !== null) return invalidArguments([`has half a character ${pointer(...illFormed)}`])
    return ok(Object.entries(value))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return refusal('invalid_json')
  }
}

function readForm(text: string, charset: string): Result<Pairs, Refusal> {
  // JSON or XML under a form's label: a form escapes its first character.
  if (/^\s*[{[<]/.test(text)) return refusal('invalid_form_data')
  const pairs: [string, string][] = []
  for (const part of text.trim().split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = unescaped(at < 0 ? part : part.slice(0, at), charset)
    const value = unescaped(at < 0 ? '' : part.slice(at + 1), charset)
    if (name === null || value === null) return refusal('invalid_form_data')
    pairs.push([name, value])
  }
  return ok(pairs)
}

/** Percent-escapes are bytes in the form's charset. Null if one is malformed. */
function unescaped(text: string, charset: string): string | null {
  if (!text.includes('%')) return text.replaceAll('+', ' ')
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null
  const bare = charset === 'iso-8859-1' ? 'latin1' : 'utf8'
  const bytes = Buffer.from(
    text
      .replaceAll('+', ' ')
      .replace(/%([0-9A-Fa-f]{2})|[^%]+/g, (part, hex) =>
        hex === undefined ? Buffer.from(part, bare).toString('latin1') : String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    'latin1',
  )
  return decode(bytes, charset)
}

/** Files are no arguments of ours. */
async function readMultipart(request: Request, body: Uint8Array): Promise<Result<Pairs, Refusal>> {
  try {
    const headers = { 'content-type': request.headers.get('content-type') ?? '' }
    const form = await new Response(body, { headers }).formData()
    return ok([...form].filter(([, value]) => typeof value === 'string'))
  } catch {
    return refusal('invalid_form_data')
  }
}

/** A name may come twice, in the URL and in the body or in one of them, if it says the same. */
function named(pairs: Pairs): Result<Arguments, Refusal> {
  const named = new Map<string, unknown>()
  for (const [name, value] of pairs) {
    if (/^\w+\[.*\]$/.test(name)) return refusal('invalid_array_arg')
    if (!/^\w+$/.test(name) || name.length > MAX_NAME_LENGTH) return refusal('invalid_arg_name')
    if (named.has(name) && !same(name, named.get(name), value)) {
      return invalidArguments([`must be given once ${pointer(name)}`])
    }
    named.set(name, value)
  }
  return ok(named)
}

function same(name: string, one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(converted(name, one)) === JSON.stringify(converted(name, other))
}

/** The arguments that fit a method's schema; others are ignored. Every bad one is named. */
export function checkArguments<T>(given: Arguments, schema: z.ZodType<T>): Result<T, Refusal> {
  const values = new Map<string, unknown>()
  for (const [name, value] of given) {
    // Forms cannot say null: an empty value is an absent one.
    if (value !== null && value !== '') values.set(name, converted(name, value))
  }
  const parsed = schema.safeParse(Object.fromEntries(values), { error: describeIssue })
  if (parsed.success) return ok(parsed.data)
  const { issues } = parsed.error
  const messages = issues.slice(0, MAX_ISSUES).map((issue) => describe(issue, values))
  const more = moreThan(issues.length)
  return invalidArguments(more === null ? messages : [...messages, more])
}

/**
 * A value converted to the kind that its name has; one that cannot be converted stays as it is, for the schema to
 * refuse.
 */
function converted(name: string, value: unknown): unknown {
  if (typeof value !== 'string') {
    return KINDS.get(name) === 'boolean' && (value === 0 || value === 1) ? value === 1 : value
  }
  switch (KINDS.get(name)) {
    case 'list':
      return list(value)
    case 'integer':
      return /^-?\d{1,16}$/.test(value) ? Number(value) : value
    case 'boolean':
      return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value
    case undefined:
      return value
  }
}

/** Node's client sends lists as JSON, python's with commas, and the documentation prints single quotes. */
function list(text: string): unknown {
  const trimmed = text.trim()
  if (!trimmed.startsWith('[')) return trimmed.split(',').map((item) => item.trim())
  for (const spelling of [trimmed, trimmed.replaceAll("'", '"')]) {
    try {
      return JSON.parse(spelling)
    } catch {
      // The next spelling, or none.
    }
  }
  return text
}

const TYPE_NAMES = new Map([
  ['array', 'an array'],
  ['int', 'an integer'],
  ['number', 'an integer'],
])

function describe(issue: z.core.$ZodIssue, values: ReadonlyMap<string, unknown>): string {
  const [name] = issue.path
  const where = pointer(...issue.path.map(String))
  switch (issue.code) {
    case 'invalid_type':
      if (issue.path.length === 1 && !values.has(String(name))) return `missing required field: ${String(name)}`
      return `must be ${TYPE_NAMES.get(issue.expected) ?? `a ${issue.expected}`} ${where}`
    case 'too_small':
      if (issue.origin === 'array') return `no fewer items than ${issue.minimum} required ${where}`
      if (issue.origin === 'string') return `must not be empty ${where}`
      return `must be greater than or equal to ${issue.minimum} ${where}`
    case 'too_big':
      if (issue.origin === 'array') return `no more items than ${issue.maximum} allowed ${where}`
      if (issue.origin === 'string') return `must not be longer than ${issue.maximum} characters ${where}`
      return `must be less than or equal to ${issue.maximum} ${where}`
    default:
      return `${issue.message} ${where}`
  }
}

function pointer(...path: readonly string[]): string {
  return `[json-pointer:/${path.join('/')}]`
}

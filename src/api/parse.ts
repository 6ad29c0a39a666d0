/** Reading what enters: body and query, checked once against a schema, every bad field named. */

import type { z } from 'zod'
import type { Issue, SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { cutText, findIllFormedText } from '../domain/text.ts'
import { MAX_BODY_BYTES, mediaType, readBody, utf8 } from '../http/body.ts'
import { MAX_FIELD_LENGTH, MAX_ISSUES } from '../limits.ts'
import { describeIssue } from './parse-messages.ts'

/** A JSON body that fits `schema`. Errors: `unsupported_media_type`, `request_too_large`, `request_timeout`, `invalid_request`. */
export async function parseJson<T>(
  request: Request,
  schema: z.ZodType<T>,
  limitBytes = MAX_BODY_BYTES,
): Promise<Result<T, SessionError>> {
  if (mediaType(request) !== 'application/json') {
    return fail({ code: 'unsupported_media_type', accepted: ['application/json'] })
  }
  return parseAsJson(request, schema, limitBytes)
}

/** As `parseJson`, whatever the request says of its body's type. */
export async function parseAsJson<T>(
  request: Request,
  schema: z.ZodType<T>,
  limitBytes = MAX_BODY_BYTES,
): Promise<Result<T, SessionError>> {
  const body = await readBody(request, limitBytes)
  if (!body.ok) return body
  const text = utf8(body.value)
  if (text === null) return invalid([{ field: '', code: 'invalid', message: 'The body is not UTF-8.' }])
  try {
    return parseValue(JSON.parse(text), schema)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return invalid([{ field: '', code: 'invalid', message: 'The body is not JSON.' }])
  }
}

/** A form body that fits `schema`. A field that comes twice is refused. Errors as for `parseJson`. */
export async function parseForm<T>(request: Request, schema: z.ZodType<T>): Promise<Result<T, SessionError>> {
  if (mediaType(request) !== 'application/x-www-form-urlencoded') {
    return fail({ code: 'unsupported_media_type', accepted: ['application/x-www-form-urlencoded'] })
  }
  const body = await readBody(request)
  if (!body.ok) return body
  const text = utf8(body.value)
  if (text === null) return invalid([{ field: '', code: 'invalid', message: 'The body is not UTF-8.' }])
  return checkParameters(new URLSearchParams(text), schema)
}

const withoutQuery = new WeakMap<z.ZodType, Result<unknown, SessionError>>()

/** Query parameters that fit `schema`. One that comes twice is refused. Errors: `invalid_request`. */
export function parseQuery<T>(request: Request, schema: z.ZodType<T>): Result<T, SessionError> {
  // Most requests have none: what that means is found once.
  if (!request.url.includes('?')) {
    let found = withoutQuery.get(schema) as Result<T, SessionError> | undefined
    if (found === undefined) {
      found = parseValue({}, schema)
      withoutQuery.set(schema, found)
    }
    return found
  }
  return checkParameters(new URL(request.url).searchParams, schema)
}

function checkParameters<T>(parameters: URLSearchParams, schema: z.ZodType<T>): Result<T, SessionError> {
  const names = new Set<string>()
  const twice = new Set<string>()
  for (const name of parameters.keys()) (names.has(name) ? twice : names).add(name)
  if (twice.size > 0) {
    return invalid([...twice].map((field) => ({ field, code: 'invalid', message: 'Must be given once.' })))
  }
  return parseValue(Object.fromEntries(parameters), schema)
}

/** A value that fits `schema`, all its text being Unicode. Errors: `invalid_request`. */
export function parseValue<T>(value: unknown, schema: z.ZodType<T>): Result<T, SessionError> {
  const illFormed = findIllFormedText(value)
  if (illFormed !== null) {
    return invalid([{ field: illFormed.join('.'), code: 'invalid', message: HALF_A_CHARACTER }])
  }
  const parsed = schema.safeParse(value, { error: describeIssue })
  return parsed.success ? ok(parsed.data) : invalid(parsed.error.issues.flatMap((issue) => issuesOf(issue, value)))
}

/** What is wrong with text that has a lone surrogate. */
const HALF_A_CHARACTER = 'Has half a character: a surrogate without its other half.'

function invalid(issues: readonly Issue[]): Result<never, SessionError> {
  const named = issues
    .slice(0, MAX_ISSUES)
    .map((issue) =>
      issue.field.length > MAX_FIELD_LENGTH ? { ...issue, field: `${cutText(issue.field, MAX_FIELD_LENGTH)}…` } : issue,
    )
  const more = moreThan(issues.length)
  return fail({
    code: 'invalid_request',
    issues: more === null ? named : [...named, { field: '', code: 'invalid', message: more }],
  })
}

/** What stands for the issues that are not named; null if all of them are. */
export function moreThan(issues: number): string | null {
  const left = issues - MAX_ISSUES
  return left <= 0 ? null : `And ${String(left).replace(/\B(?=(\d{3})+$)/g, ' ')} more.`
}

/** What zod finds where a field is not there at all. */
const ISSUES_OF_MISSING: ReadonlySet<string | undefined> = new Set(['invalid_type', 'invalid_value', 'invalid_union'])

function issuesOf(issue: z.core.$ZodIssue, value: unknown): Issue[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), code: 'unknown', message: issue.message }))
  }
  const missing = ISSUES_OF_MISSING.has(issue.code) && at(value, issue.path) === undefined
  return [
    {
      field: path.join('.'),
      code: missing ? 'missing' : 'invalid',
      message: missing ? 'Is required.' : issue.message,
    },
  ]
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  )
}

/** What is said of a value that does not fit its schema: our words, whatever the library would say. */
import type { z } from 'zod'

/** For zod's `error`: used wherever a schema has no words of its own. */
export function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `Must be ${TYPES.get(String(issue.expected)) ?? 'of another type'}.`
    case 'invalid_value':
      return `Must be ${alternatives(issue.values as readonly unknown[])}.`
    case 'invalid_format':
      return `Must be ${FORMATS.get(String(issue.format)) ?? 'of another form'}.`
    case 'too_small':
      return `Must ${bound(String(issue.origin), 'at least', 'not be less than', Number(issue.minimum))}.`
    case 'too_big':
      return `Must ${bound(String(issue.origin), 'at most', 'not be more than', Number(issue.maximum))}.`
    case 'unrecognized_keys':
      return 'There is no such field.'
    default:
      return 'Is not valid.'
  }
}

const TYPES = new Map([
  ['array', 'a list'],
  ['boolean', 'true or false'],
  ['int', 'a whole number'],
  ['null', 'null'],
  ['number', 'a number'],
  ['object', 'an object'],
  ['record', 'an object'],
  ['string', 'text'],
  ['tuple', 'a list'],
])

const FORMATS = new Map([
  ['datetime', 'an instant in ISO 8601, such as 2030-01-31T12:00:00Z'],
  ['email', 'an e-mail address'],
  ['ipv4', 'an IPv4 address'],
  ['ipv6', 'an IPv6 address'],
  ['url', 'a URL'],
  ['uuid', 'a UUID'],
])

function alternatives(values: readonly unknown[]): string {
  const texts = values.map(String)
  const last = texts.pop() ?? ''
  return texts.length === 0 ? last : `${texts.join(', ')} or ${last}`
}

function bound(origin: string, ofMany: string, ofNumbers: string, limit: number): string {
  const unit = UNITS.get(origin)
  if (unit === undefined) return `${ofNumbers} ${limit}`
  return `have ${ofMany} ${limit} ${limit === 1 ? unit.one : unit.many}`
}

const UNITS = new Map([
  ['string', { one: 'character', many: 'characters' }],
  ['array', { one: 'entry', many: 'entries' }],
])

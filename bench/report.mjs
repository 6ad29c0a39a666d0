// What is printed, and what README.md and docs/performance.md show.
import { readFileSync, writeFileSync } from 'node:fs'
import { COUNTS, dollars, PRICES } from './cost.ts'
import { DISTANCES, wayMilliseconds } from './trips.ts'

const README = new URL('../README.md', import.meta.url)
const PERFORMANCE = new URL('../docs/performance.md', import.meta.url)
const START = '<!-- bench:start -->'
const END = '<!-- bench:end -->'

/** What a scenario is, for people; in the order in which they are shown. */
export const LABELS = {
  empty: 'empty Worker',
  object_call: 'Worker with one object call',
  object_read: 'Worker with one object call and a read',
  check_max_age: 'Latchkey: check, `max-age=5`, warm',
  check_forged: 'Latchkey: forged token refused',
  check: 'Latchkey: strict check, one user',
  check_many: 'Latchkey: strict check, many live users',
  iron_session: 'iron-session: unseal (cannot be revoked)',
  oauth_provider: 'workers-oauth-provider: token check (KV)',
  better_auth_cached: 'better-auth: get-session, cookie cache',
  better_auth: 'better-auth: get-session (D1)',
  express_sqlite: 'express-session: SQLite store (Node)',
  express_redis: 'express-session: Redis store (Node)',
  hono_none: 'Hono route, protected by nobody',
  hono_bound_aged: 'Hono route: `latchkey`, binding, `maxAge: 5`',
  hono_bound: 'Hono route: `latchkey`, binding, strict',
  hono_http_aged: 'Hono route: `latchkey`, HTTP, `maxAge: 5`',
  hono_http: 'Hono route: `latchkey`, HTTP, strict',
  hono_clerk: 'Hono route: Clerk `authenticateRequest`, own key (not revocable for 60 s)',
  hono_better_auth: 'Hono route: better-auth `getSession` (D1)',
  list: "Latchkey: list of a user's 10 sessions",
  object_write: "Worker with a D1 read, an object's insert with alarm, a copy in D1",
  object_new: 'Worker that makes an object with a row and an alarm',
  object_new_copied: 'Worker that asks D1, makes an object with a row and an alarm, and copies it to D1',
  open_known: 'Latchkey: open, known user',
  open_new: 'Latchkey: open, brand-new user',
  sign_in: 'Latchkey: sign-in, hashing next to nothing',
  better_auth_sign_in: 'better-auth: sign-in, hashing off',
  hash: 'Worker that hashes a password',
  sign_in_hashed: 'Latchkey: sign-in, 16 at a time',
  better_auth_sign_in_hashed: 'better-auth: sign-in, the same hash, 16 at a time',
}

/** The results as text for a terminal. */
export function asText(results, judged) {
  return tables(results, judged)
    .map(({ title, rows }) => [`\n${title}`, ...aligned(rows)].join('\n'))
    .concat(notes(results).map((note) => `\n${note}`))
    .join('\n')
}

/** The targets that README.md shows: the check, beside what else one would pick. */
const IN_SHORT = [
  'strict check, one user ÷ Worker with one object call and a read',
  'strict check ÷ better-auth get-session on D1',
  'strict check ÷ workers-oauth-provider',
  '`max-age` check, warm ÷ iron-session unseal',
]

/** Puts the results into README.md, in short, and into docs/performance.md. */
export function writeDocs(results, judged) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const short = judged.filter(({ what, found }) => IN_SHORT.includes(what) && found !== null)
  const rows = short.map(({ what, found }) => line([what, ranged(found)]))
  const table = [line(['requests per second, as a ratio', 'median (range)']), line(['---', '---:']), ...rows].join('\n')
  writeBetweenMarks(README, [picture('bench/results/latest.svg'), table].join('\n\n'))
  writeBetweenMarks(PERFORMANCE, asMarkdown(results, judged))
}

function picture(path) {
  return `![Requests per second as a share of an empty Worker](${path})`
}

function asMarkdown(results, judged) {
  const markdown = tables(results, judged).map(({ title, rows: [head, ...rows] }) => {
    const line = (cells) => `| ${cells.join(' | ')} |`
    return [`${title}\n`, line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join(
      '\n',
    )
  })
  return [picture('../bench/results/latest.svg'), ...notes(results), ...markdown].join('\n\n')
}

/** Puts Markdown between the marks in a file. Throws if the marks are not there. */
function writeBetweenMarks(file, markdown) {
  const text = readFileSync(file, 'utf8')
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start < 0 || end < start) throw new Error(`${file.pathname} has no ${START} … ${END}`)
  writeFileSync(file, `${text.slice(0, start + START.length)}\n\n${markdown}\n\n${text.slice(end)}`)
}

function tables(results, judged) {
  return [
    ...(results.summary === undefined ? [] : [throughput(results), operations(results)]),
    ...(results.scale === undefined ? [] : [growth(results.scale), objects(results.scale)]),
    {
      title: 'Targets',
      rows: [
        ['', 'target', 'found (range)', ''],
        ...judged.map(({ what, target, found, reached }) => [
          what,
          target,
          found === null ? 'not measured' : ranged(found),
          reached === null ? '–' : reached ? 'reached' : 'missed',
        ]),
      ],
    },
    {
      title: `Counts, as the tests assert them, and dollars per million at list price (${PRICES.asOf})`,
      rows: [
        ['', 'object calls', 'D1 statements', 'KV reads', 'rows written', '$'],
        ...Object.entries(COUNTS).map(([what, counts]) => [
          what,
          counts.objectCalls,
          counts.d1Statements,
          counts.kvReads,
          counts.d1Rows + counts.objectRows + counts.alarms,
          dollars(counts).toFixed(2),
        ]),
      ],
    },
    ways(results),
  ]
}

/** Not measured but reckoned from counts, so that it holds on any machine. */
function ways({ trips = {} }) {
  const theirs = Object.entries(trips).map(([key, steps]) => [LABELS[key], steps])
  const ours = Object.entries(COUNTS).map(([what, counts]) => [`Latchkey: ${what}`, counts.trips])
  const [{ object, KV }] = DISTANCES
  return {
    title: `The way of an answer: what it waits for, one after the other, and milliseconds if an object is ${object} ms away, KV ${KV}, and nothing else took time`,
    rows: [
      ['', 'trips in sequence', ...DISTANCES.map(({ D1 }) => `D1 ${D1} ms away`)],
      ...[...ours, ...theirs].map(([what, steps]) => [
        what,
        steps.length === 0 ? '–' : steps.join(' → '),
        ...DISTANCES.map((distances) => wayMilliseconds(steps, distances)),
      ]),
    ],
  }
}

function throughput({ summary, rounds }) {
  return {
    title: `Requests per second: median of ${rounds} rounds (range)`,
    rows: [
      ['', 'per second', 'share of an empty Worker', 'CPU, µs', 'p50, ms'],
      ...Object.entries(LABELS)
        .filter(([key]) => summary[key] !== undefined)
        .map(([key, label]) => [
          label,
          Math.round(summary[key].perSecond.median),
          summary[key].ofEmpty === null ? '–' : ranged(summary[key].ofEmpty),
          Math.round(summary[key].cpuMicroseconds.median),
          number(summary[key].p50Milliseconds.median),
        ]),
    ],
  }
}

function operations({ operations: measured, hashing, nineOClock }) {
  const rows = Object.entries(measured).map(([key, { milliseconds, statements, rowsRead, rowsWritten }]) => [
    operationLabel(key),
    ranged(milliseconds),
    statements,
    rowsRead,
    rowsWritten,
  ])
  if (hashing !== null) {
    const { ratio, p99AloneMilliseconds: alone, p99BesideMilliseconds: beside } = hashing
    rows.push(['checks per second while four sign-ins hash ÷ alone', `× ${ranged(ratio)}`, '', '', ''])
    rows.push(
      ['p99 of checks alone', ranged(alone), '', '', ''],
      ['p99 while four sign-ins hash', ranged(beside), '', '', ''],
    )
  }
  if (nineOClock) {
    const { users, atOnce, milliseconds, boundMilliseconds, refused } = nineOClock
    rows.push(
      [`nine o’clock: ${users} sign-ins, ${atOnce} at a time (${refused} refused)`, number(milliseconds), '', '', ''],
      ['as many hashes alone', number(boundMilliseconds), '', '', ''],
    )
  }
  return {
    title: 'One at a time, the mirror counted',
    rows: [['', 'ms (range)', 'D1 statements', 'rows read', 'rows written'], ...rows],
  }
}

function operationLabel(key) {
  const [what, count] = [key.slice(0, key.lastIndexOf('_')), key.slice(key.lastIndexOf('_') + 1)]
  return what === 'end' ? `end of ${count} sessions of a user` : `setSettings for 1000 users, ${count} of them live`
}

function growth({ sizes, at }) {
  const names = ['check', 'signIn', 'revoke', 'list'].filter((name) => sizes.every((size) => size[name] !== undefined))
  return {
    title: `Growth: milliseconds, and rows read in D1, by session records (${at})`,
    rows: [
      ['', ...sizes.map(({ records }) => records)],
      ...names.map((name) => [
        { check: 'check, strict', signIn: 'sign-in', revoke: 'sign-out', list: 'page of 50 live sessions' }[name],
        ...sizes.map((size) => `${number(size[name].milliseconds.median)} ms, ${size[name].rowsRead} rows`),
      ]),
    ],
  }
}

function objects({ objects: measured, megabytesPer1000Objects }) {
  return {
    title: `Growth: milliseconds by the user's live sessions. 1 000 live users hold ${megabytesPer1000Objects} MiB of workerd's memory`,
    rows: [
      ['', ...measured.map(({ sessions }) => sessions)],
      ...['check', 'list', 'open'].map((name) => [
        name,
        ...measured.map((each) => number(each[name].milliseconds.median)),
      ]),
    ],
  }
}

function notes({ at, processor, memoryGigabytes, system, node, workerd, seconds, quick, users, leftOut, summary }) {
  if (summary === undefined) return []
  const machine = `${at} on ${processor}, ${memoryGigabytes} GB, ${system}; Node ${node}, workerd ${workerd}`
  const how = `32 connections on loopback, load and server on the same cores; ${users} live users; ${seconds} s`
  const left = Object.entries(leftOut).map(([what, why]) => `Left out: ${what}: ${why}.`)
  return [`${quick ? 'A quick look, not for comparison: ' : ''}${machine}. ${how}.`, ...left]
}

function ranged({ median, least, most }) {
  return least === most ? number(median) : `${number(median)} (${number(least)}–${number(most)})`
}

function number(value) {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

function aligned(rows) {
  const texts = rows.map((row) => row.map((cell) => String(cell).replaceAll('`', '')))
  const widths = texts[0].map((_, at) => Math.max(...texts.map((row) => row[at].length)))
  return texts.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at] + 2)))
      .join('')
      .trimEnd(),
  )
}

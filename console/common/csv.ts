/** Lines of comma-separated values (RFC 4180), to read and to write. */

/** The rows of a text; fields may stand in quotes, and a quote in them is doubled. */
export function rowsOfCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)?.push((quoted?.replaceAll('""', '"') ?? plain ?? '').trim())
    if (end !== ',') rows.push([])
  }
  return rows.filter((row) => row.some((field) => field !== ''))
}

/** A row as a line. What a spreadsheet would take for a formula is made text. */
export function csvLine(fields: readonly string[]): string {
  const quoted = fields.map((field) => `"${(/^[=+\-@\t\r]/.test(field) ? `'${field}` : field).replaceAll('"', '""')}"`)
  return `${quoted.join(',')}\r\n`
}

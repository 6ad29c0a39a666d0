/** Lines of comma-separated values, as people bring them and as spreadsheets take them. */
import { expect, test } from 'vitest'
import { csvLine, rowsOfCsv } from '../../console/common/csv.ts'

test.each<[string, string[][]]>([
  ['', []],
  [
    'a,b\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\r\n\r\n1,\r\n',
    [
      ['a', 'b'],
      ['1', ''],
    ],
  ],
  ['"a, b","say ""so""",c', [['a, b', 'say "so"', 'c']]],
  [
    '"two\nlines",b\nc,d',
    [
      ['two\nlines', 'b'],
      ['c', 'd'],
    ],
  ],
  [',,', []],
])('%j is read', (text, rows) => {
  expect(rowsOfCsv(text)).toEqual(rows)
})

test('what is written is read again', () => {
  const fields = ['a, b', 'say "so"', 'two\nlines', '']
  expect(rowsOfCsv(csvLine(fields))).toEqual([fields])
})

test.each(['=1+1', '+1', '-1', '@a', '\tb'])('%j is text to a spreadsheet, and no formula', (field) => {
  expect(csvLine([field])).toBe(`"'${field}"\r\n`)
})

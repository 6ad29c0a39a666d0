import { expect, test } from 'vitest'
import { acceptedAgeSeconds } from '../../src/http/cache-control.ts'

test.each([
  [null, 0],
  ['', 0],
  ['max-age=30', 30],
  ['Max-Age=30', 30],
  ['private, max-age=30', 30],
  ['max-age=0', 0],
  ['max-age=60', 60],
  ['max-age=61', 60],
  ['max-age=99999999999999999999', 60],
  ['max-age=-1', 0],
  ['max-age=1e1', 0],
  ['max-age="30"', 0],
  ['max-age = 30', 0],
  ['max-age=30;', 0],
  ['max-age=10, max-age=20', 0],
  ['max-age=10, max-age', 0],
  ['max-age=10, no-cache', 0],
  ['no-store, max-age=10', 0],
  ['s-maxage=30', 0],
  ['max-stale=30', 0],
])('`Cache-Control: %s` accepts an age of %d s', (header, age) => {
  const request = new Request('http://localhost/', header === null ? {} : { headers: { 'cache-control': header } })
  expect(acceptedAgeSeconds(request, 60)).toBe(age)
})

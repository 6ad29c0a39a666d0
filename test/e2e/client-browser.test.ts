/** What watches a session in a browser: warns, counts down, tells the other tabs, and never is activity by itself. */
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { noBrowser, sharedChromium } from './support/chromium.ts'

const ORIGIN = 'http://app.test'
const LIFE_SECONDS = 300

let browser: Browser
let script: string
let context: BrowserContext
/** Of the service: epoch milliseconds, and why the session is over. */
let endsAt = 0
let over: string | null = null
let asked: string[] = []

beforeAll(async () => {
  if (noBrowser) return
  browser = await sharedChromium()
  const entry = join(import.meta.dirname, '../../packages/client/src/browser.ts')
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm' })
  script = outputFiles[0]?.text ?? ''
})
afterAll(() => browser?.close())

beforeEach(async () => {
  if (noBrowser) return
  context = await browser.newContext()
  endsAt = Date.now() + LIFE_SECONDS * 1000
  over = null
  asked = []
  await context.route(`${ORIGIN}/**`, async (route) => {
    const { pathname, search } = new URL(route.request().url())
    if (pathname === '/browser.js') return route.fulfill({ contentType: 'text/javascript', body: script })
    if (pathname !== '/session') return route.fulfill({ contentType: 'text/html', body: '<!doctype html>' })
    asked.push(search)
    if (over !== null) return route.fulfill({ status: 401, json: { code: 'session_ended', reason: over } })
    if (search === '') endsAt += LIFE_SECONDS * 1000
    const session = {
      expires_at: new Date(endsAt + 3_600_000).toISOString(),
      idles_out_at: new Date(endsAt).toISOString(),
    }
    return route.fulfill({ json: session })
  })
  return () => context.close()
})

/** A page that watches, and writes down what it is told. Its clock stands still until it is moved. */
async function open(): Promise<Page> {
  const page = await context.newPage()
  await page.clock.install({ time: Date.now() })
  await page.goto(ORIGIN)
  await page.evaluate(`(async () => {
    const { watchSession } = await import('/browser.js')
    globalThis.told = []
    globalThis.watch = watchSession({
      url: '/session',
      askSeconds: 120,
      onWarning: (seconds) => told.push(seconds),
      onSafe: () => told.push('safe'),
      onEnd: (reason) => told.push(reason),
    })
  })()`)
  await page.waitForFunction('told')
  return page
}

const told = (page: Page) => page.evaluate('told') as Promise<(number | string | null)[]>

describe.skipIf(noBrowser)('a watched session', () => {
  test('warns before the end, counts down, and says when it is over', async () => {
    const page = await open()
    await page.clock.runFor(230_000)
    expect(await told(page)).toEqual([])
    await page.clock.runFor(15_000)
    await page.waitForFunction('told.length > 0')
    for (let second = 0; second < 5; second += 1) await page.clock.runFor(1_000)
    const seconds = (await told(page)) as number[]
    expect(seconds[0]).toBeLessThanOrEqual(60)
    expect(seconds.length).toBeGreaterThanOrEqual(5)
    for (const [at, left] of seconds.slice(1).entries()) expect(left).toBeLessThanOrEqual(seconds[at] as number)
    over = 'idle'
    await page.clock.runFor(60_000)
    await page.waitForFunction("told.at(-1) === 'idle'")
    expect(asked.every((search) => search === '?touch=false')).toBe(true)
    const { length } = asked
    await page.clock.runFor(600_000)
    expect(asked).toHaveLength(length)
  })

  test('lives longer for all tabs where the user stays in one', async () => {
    const [first, second] = [await open(), await open()]
    for (const page of [first, second]) await page.clock.runFor(260_000)
    for (const page of [first, second]) await page.waitForFunction('told.length > 0')
    await first.evaluate('watch.stay()')
    for (const page of [first, second]) await page.waitForFunction("told.at(-1) === 'safe'")
    expect(asked.filter((search) => search === '')).toHaveLength(1)
  })

  test('is over in all tabs where the user signs out in one', async () => {
    const [first, second] = [await open(), await open()]
    await first.evaluate('watch.ended()')
    await second.waitForFunction("told.at(-1) === 'logout'")
    expect(await told(first)).toEqual(['logout'])
  })

  test('keeps its deadline where it cannot ask', async () => {
    const page = await open()
    await context.unroute(`${ORIGIN}/**`)
    await context.setOffline(true)
    await page.clock.runFor(270_000)
    await page.waitForFunction('told.length > 0')
    expect((await told(page)).every((entry) => typeof entry === 'number')).toBe(true)
  })
})

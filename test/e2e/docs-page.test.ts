import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DOCUMENTS } from '../support/document-paths.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { watchedPage } from './support/console-page.ts'
import { type Served, serve } from './support/served.ts'

let server: Served
let browser: Browser

beforeAll(async () => {
  server = await serve()
  if (!noBrowser) browser = await sharedChromium()
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

test('is served at /docs itself, as HTML that may load nothing from elsewhere', async () => {
  const response = await fetch(`${server.credentials.base_url}/docs`, { redirect: 'manual' })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
})

test.each(['/docs', '/docs/reference.js', '/docs/swagger-ui.css', '/docs/favicon-32x32.png', '/docs/nothing'])(
  '%s has the security headers of every other answer',
  async (path) => {
    const { headers } = await fetch(server.credentials.base_url + path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.* frame-ancestors 'none'$/)
    // Static files cannot tell http from https, and browsers ignore it over http.
    const isFile = path !== '/docs/nothing'
    expect(headers.get('strict-transport-security')).toBe(isFile ? 'max-age=63072000; includeSubDomains' : null)
  },
)

test.each(['/docs', '/docs/problems', '/console', '/sign-in', '/devices'])(
  'no page is within reach of the window that opened it, or of a frame around it: %s',
  async (path) => {
    const { headers } = await fetch(server.credentials.base_url + path)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  },
)

test.skipIf(noBrowser)('follows the scheme of the reader, and needs no wider window than a phone has', async () => {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' })
  await page.goto(`${server.credentials.base_url}/docs`)
  for (const id of ['putIdentityStore', 'listStoreSessions']) {
    await page.click(`[id$="${id}"] .opblock-summary-control`)
    await page.waitForSelector(`[id$="${id}"] .response`)
  }
  const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
  const background = await page.evaluate<string>(
    "getComputedStyle(document.querySelector('.swagger-ui')).backgroundColor",
  )
  expect(tooWide).toBe(0)
  expect(Math.max(...(background.match(/\d+/g) ?? ['255']).map(Number))).toBeLessThan(80)
  await page.close()
})

test.skipIf(noBrowser)('shows every operation of all documents, and asks no other origin for anything', async () => {
  const { base_url: baseUrl } = server.credentials
  const documents: { paths: Record<string, object> }[] = await Promise.all(
    DOCUMENTS.map(async (path) => (await fetch(baseUrl + path)).json()),
  )
  const paths = documents.flatMap((document) => Object.entries(document.paths))
  const operations = paths.flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  )
  const { page, complaints, strangers } = await watchedPage(browser, baseUrl, {})
  await page.goto(`${baseUrl}/docs`)
  for (const place of ['#application', '#operator', '#vendors']) await page.waitForSelector(`${place} .opblock-summary`)
  const shown = await page.$$eval('.opblock-summary', (blocks) =>
    blocks.map((block) => {
      const text = (part: string) => block.querySelector(part)?.textContent?.replaceAll('\u200b', '') ?? ''
      return `${text('.opblock-summary-method')} ${text('.opblock-summary-path')}`
    }),
  )
  expect(shown.toSorted()).toEqual(operations.toSorted())
  await page.click('[id$="putIdentityStore"] .opblock-summary-control')
  await page.waitForSelector('.response')
  await page.click('.try-out__btn')
  await page.click('#operator .btn.authorize')
  await page.waitForSelector('.auth-container')
  expect([complaints, strangers]).toEqual([[], []])
})

import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { cookieWarnings } from '../../src/auth/cookie-warnings.ts'
import { readSettings } from '../../src/settings.ts'
import { send } from '../support/requests.ts'
import { workerWith } from '../support/variants.ts'

interface Given {
  readonly at: string
  readonly pages?: string
  readonly sameSite?: string
}

function settingsOf({ at, pages = '', sameSite = 'Lax' }: Given) {
  const settings = readSettings({
    ...env,
    PUBLIC_ORIGINS: at,
    ALLOWED_ORIGINS: pages,
    COOKIE_SAME_SITE: sameSite,
  } as unknown as typeof env)
  if (!settings.ok) throw new Error(settings.error.join())
  return settings.value
}

test.each<[string, Given]>([
  ['https://app.other.example', { at: 'https://sessions.pie.example', pages: 'https://app.other.example' }],
  ['http://app.pie.example', { at: 'https://sessions.pie.example', pages: 'http://app.pie.example' }],
  ['capacitor://localhost', { at: 'https://sessions.pie.example', pages: 'capacitor://localhost', sameSite: 'strict' }],
  ['http://localhost:5173', { at: 'http://127.0.0.1:8787', pages: 'http://localhost:5173' }],
  ['http://192.0.2.8', { at: 'http://192.0.2.7:8787', pages: 'http://192.0.2.8' }],
  ['http://192.0.2.7:8787', { at: 'http://192.0.2.7:8787,https://a.example', sameSite: 'None' }],
])('of a cookie that browsers will drop for %s the start warns: %j', (origin, given) => {
  expect(cookieWarnings(settingsOf(given))).toEqual([expect.stringContaining(origin)])
})

test.each<Given>([
  { at: 'https://sessions.pie.example', pages: 'https://app.pie.example,https://pie.example:8443' },
  { at: 'http://127.0.0.1:8787,http://localhost:8787', pages: 'http://localhost:5173,http://127.0.0.1:5173' },
  { at: 'https://sessions.pie.example', pages: 'https://app.other.example,capacitor://localhost', sameSite: 'None' },
  { at: 'http://localhost:8787,http://127.0.0.1:8787,http://[::1]:8787', sameSite: 'none' },
])('of what browsers take it says nothing: %j', (given) => {
  expect(cookieWarnings(settingsOf(given))).toEqual([])
})

test('the origins of applications and extensions are origins; what is none is ignored, and the others work', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const good = [
    'https://app.example',
    'http://localhost:5173',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://bundle',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://0b1c2d3e-0000-4000-8000-000000000000',
  ]
  const bad = [
    '*',
    'null',
    'https://app.example/',
    'HTTPS://B.example',
    'c.example',
    'https://*.example',
    'capacitor://',
  ]
  const worker = workerWith({ ALLOWED_ORIGINS: [...bad, ...good].join(' , '), COOKIE_SAME_SITE: 'None' })
  const readableBy = async (origin: string) =>
    (await worker.send('/sessions/current', { origin })).headers.get('access-control-allow-origin')
  for (const origin of good) expect(await readableBy(origin)).toBe(origin)
  for (const origin of bad) expect([origin, await readableBy(origin)]).toEqual([origin, null])
  expect(warned.mock.calls).toEqual(
    bad.map((entry) => [
      {
        event: 'deployment.setting_ignored',
        outcome: 'ignored',
        warning: expect.stringContaining(` ${entry} is no origin`),
      },
    ]),
  )
})

test('how the cookie travels is one of three ways, in any case', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  expect(settingsOf({ at: 'https://a.example', sameSite: 'STRICT' }).cookieSameSite).toBe('strict')
  expect((await workerWith({ COOKIE_SAME_SITE: 'sometimes' }).send('/healthz')).status).toBe(503)
  expect((await send('/sessions/current')).status).toBe(401)
})

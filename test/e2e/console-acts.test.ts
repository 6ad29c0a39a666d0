/** What is done in the console, by mouse and by keyboard alone; what is ended here was opened. */
import { execFileSync } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import {
  byKeyboard,
  byMouse,
  cookiesOf,
  open,
  PAST_UNDO_MILLISECONDS,
  signInWith,
  storedBy,
  type Watched,
  watchedPage,
} from './support/console-page.ts'
import { at, type Stores, storesOf } from './support/console-stores.ts'
import { receive } from './support/receiver.ts'
import { type Served, serve } from './support/served.ts'

/** A machine may be busy. */
const PATIENT = { timeout: 20_000 }
/** How somebody acts, and how many sessions end together there: opening them takes longest. */
const HANDS = {
  mouse: { hand: byMouse, many: 12 },
  keyboard: { hand: byKeyboard, many: 214 },
}

let server: Served
let browser: Browser
let stores: Stores
let baseUrl: string
let token: string
let cookies: Awaited<ReturnType<typeof cookiesOf>>

beforeAll(async () => {
  if (noBrowser) return
  const started = serve()
  browser = await sharedChromium()
  server = await started
  stores = storesOf(server)
  ;({ base_url: baseUrl, operator_token: token } = server.credentials)
  await stores.make('other')
  await Promise.all(
    Object.entries(HANDS).map(async ([store, { many }]) => {
      await stores.make(store)
      for (let session = 0; session < many; session += 1) await stores.openSession(store, 'busy')
      for (let tries = 0; tries < 5; tries += 1) {
        await stores.call('POST', '/sessions', { username: `max@${store}.example`, password: 'wrong' }, null)
      }
    }),
  )
  cookies = await cookiesOf(browser, baseUrl, token)
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

describe.skipIf(noBrowser)('in the console', () => {
  let watched: Watched

  async function inConsole() {
    watched = await watchedPage(browser, baseUrl, { storageState: cookies })
    return watched.page
  }

  /** What needs a fresh proof. */
  async function signedInAnew() {
    watched = await watchedPage(browser, baseUrl, {})
    await signInWith(token, watched)
    return watched.page
  }

  beforeEach(() => async () => {
    expect([watched.complaints, watched.strangers]).toEqual([[], []])
    // Whatever was done, and shown.
    expect(await storedBy(watched.page)).toBe('{}')
    await watched.page.context().close()
  })

  describe.each(Object.entries(HANDS))('by %s', (store, { hand, many }) => {
    test('a user is found, a session ended, taken back, and ended', async () => {
      const session = await stores.openSession(store, 'jo')
      const status = async () => (await stores.call('GET', '/sessions/current?touch=false', undefined, session)).status
      const page = await inConsole()
      await page.clock.install()
      await open(page, `/stores/${store}/users`)
      await hand.write(page.getByLabel('User name begins with'), 'jo')
      await page.keyboard.press('Enter')
      await page.waitForLoadState('networkidle')
      await hand.press(page.getByRole('link', { name: `jo@${store}.example` }))
      const end = page.getByRole('button', { name: /^End .* session on/ })
      await hand.press(end)
      await hand.press(page.getByRole('button', { name: 'Undo' }))
      await page.clock.fastForward(PAST_UNDO_MILLISECONDS)
      await expect.poll(() => end.isEnabled(), PATIENT).toBe(true)
      expect(await status()).toBe(200)
      await hand.press(end)
      await page.clock.fastForward(PAST_UNDO_MILLISECONDS)
      await page.getByText('Not signed in').waitFor()
      expect(await status()).toBe(401)
    })

    test(`${many} sessions that match are ended, and no more`, async () => {
      const page = await inConsole()
      await stores.openSession(store, 'max')
      await open(page, `/stores/${store}/sessions?user_id=busy`)
      await hand.press(page.getByRole('button', { name: `End all ${many} that match` }))
      await hand.press(page.getByRole('dialog').getByRole('button', { name: `End ${many} sessions` }))
      await page.getByText(`${many} sessions are being ended`).waitFor()
      await expect.poll(() => stores.liveOf(store, 'user_id=busy'), PATIENT).toBe(0)
      expect(await stores.liveOf(store, 'user_id=max')).toBe(1)
    })

    test('a policy is previewed, saved, and put back', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/session-config`)
      const limit = page.getByLabel('A user may have so many sessions at once')
      for (const [version, value] of [
        [2, '7'],
        [3, '3'],
      ] as const) {
        await hand.write(limit, value)
        await hand.press(page.getByRole('button', { name: 'Preview the change' }))
        await page.getByText('Ends now:').waitFor()
        await hand.press(page.getByRole('button', { name: /^Save/ }))
        await page.getByText(`Saved as version ${version}`).waitFor()
        await page.getByRole('row', { name: new RegExp(`^${version} `) }).waitFor()
      }
      await hand.press(page.getByRole('button', { name: 'Put back' }).first())
      await hand.press(page.getByRole('dialog').getByRole('button', { name: 'Put it back' }))
      await page.getByText('holds again').waitFor()
      expect((await stores.call('GET', `${at(store)}/session-config`)).body).toMatchObject({
        concurrent_sessions: { limit: 7 },
      })
    })

    test('a user is unlocked', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/lockouts`)
      await hand.press(page.getByRole('button', { name: new RegExp(`^Unlock max@${store}`) }))
      await page.getByText('Nobody is locked out').waitFor()
      expect((await stores.call('GET', `${at(store)}/lockouts`)).body.lockouts).toEqual([])
    })

    test('the audit log is exported', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/audit`)
      const download = page.waitForEvent('download')
      await hand.press(page.getByRole('button', { name: /^Export.*(?:NDJSON|lines)/ }))
      const lines = execFileSync('cat', [await (await download).path()], { encoding: 'utf8' })
      expect(
        lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).action),
      ).toContain('credential.created')
    })

    test('events are turned on, sent, tried, sent again and stopped; a secret shows once', async () => {
      const receiver = await receive()
      const received = () => receiver.messages.map(({ headers }) => headers['webhook-id'])
      const page = await signedInAnew()
      const button = (name: string | RegExp) => page.getByRole('button', { name })
      const inDialog = (name: string) => page.getByRole('dialog').getByRole('button', { name })
      const shownSecret = async () => {
        const secret = (await page.getByText(/^whsec_/).textContent()) ?? ''
        await hand.press(inDialog('I have stored it'))
        await page.getByText(/whsec_/).waitFor({ state: 'detached' })
        return secret
      }
      try {
        await open(page, `/stores/${store}/events`)
        await hand.press(button('Turn the feed on'))
        await page.getByText('Feed on', { exact: true }).waitFor()

        await open(page, `/stores/${store}/endpoints`)
        await hand.press(button('New endpoint'))
        await hand.write(page.getByLabel('URL'), receiver.url)
        await hand.press(inDialog('Make it'))
        const secret = await shownSecret()
        await hand.press(page.getByRole('link', { name: receiver.url }))

        await hand.press(button('Send a test event'))
        const attempts = page.getByRole('table', { name: 'Attempts' })
        await attempts.getByText('Taken', { exact: true }).waitFor()
        const [trial] = receiver.messages
        expect(() => new Webhook(secret).verify(trial?.body ?? '', trial?.headers ?? {})).not.toThrow()

        await stores.openSession(store, 'max')
        await expect.poll(() => received().length, PATIENT).toBe(2)
        const id = received()[1]
        await hand.press(button(`Send again ${id}`))
        await expect.poll(received, PATIENT).toEqual([received()[0], id, id])
        await hand.press(button('Send events again'))
        await hand.press(inDialog('Send them'))
        await expect.poll(() => received().filter((one) => one === id).length, PATIENT).toBe(3)

        await hand.press(button('New secret'))
        await hand.press(inDialog('Make a new secret'))
        expect(await shownSecret()).not.toBe(secret)

        await hand.press(button('Disable'))
        await hand.press(inDialog('Disable'))
        await page.getByText('Disabled', { exact: true }).waitFor()
        const endpoints = async () => (await stores.call('GET', `${at(store)}/event-endpoints`)).body.endpoints
        expect(await endpoints()).toMatchObject([{ enabled: false, disabled_reason: 'operator' }])

        await hand.press(button('Delete'))
        await hand.press(inDialog('Delete the endpoint'))
        await page.getByText('Events are sent nowhere').waitFor()
        expect(await endpoints()).toEqual([])
      } finally {
        receiver.stop()
      }
    })

    test('a credential is revoked', async () => {
      const page = await signedInAnew()
      await open(page, `/stores/${store}/credentials`)
      await hand.press(page.getByRole('button', { name: 'Revoke back end' }))
      await hand.press(page.getByRole('dialog').getByRole('button', { name: 'Revoke' }))
      await page.getByText('Revoked', { exact: true }).waitFor()
      const refused = await stores.call('POST', '/sessions', { user_id: 'jo' }, stores.tokenOf(store))
      expect(refused.status).toBe(401)
    })
  })

  test('of two operators who change one config, the second is told', async () => {
    const page = await inConsole()
    await open(page, '/stores/other/session-config')
    await page.getByLabel('A user may have so many sessions at once').fill('5')
    await page.getByRole('button', { name: 'Preview the change' }).click()
    await page.getByText('Ends now:').waitFor()
    await stores.call('PATCH', `${at('other')}/session-config`, { persistent_cookies: false })
    await page.getByRole('button', { name: /^Save/ }).click()
    await page
      .getByText(/changed meanwhile|somebody|another version/i)
      .first()
      .waitFor()
    const config = (await stores.call('GET', `${at('other')}/session-config`)).body
    expect(config).toMatchObject({ persistent_cookies: false, concurrent_sessions: { limit: null } })
    // A refusal is told in the browser's console too.
    watched.complaints.splice(0)
  })

  test('an operator limited to one store sees nothing of another', async () => {
    const limited = { name: 'of one', scopes: ['operator:read', 'operator:sessions'], limited_store_ids: ['mouse'] }
    const made = await stores.call('POST', '/operator/credentials', limited)
    watched = await watchedPage(browser, baseUrl, {})
    await signInWith(String(made.body.token), watched)
    const { page } = watched
    await page.getByRole('link', { name: 'Store mouse' }).waitFor()
    expect(await page.getByText('Store other').count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Operators' }).count()).toBe(0)
    await page.goto('/console#/stores/other/sessions')
    await page.getByText('identity_store_not_found').first().waitFor()
    watched.complaints.splice(0)
  })

  test('who signs in leaves nothing in the browser but a cookie, and who signs out not even that', async () => {
    const page = await signedInAnew()
    expect(await storedBy(page)).toBe('{}')
    const held = async () => (await page.context().cookies()).map(({ name }) => name)
    expect(await held()).toContain('latchkey-operator')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Operator token').waitFor()
    expect(await held()).not.toContain('latchkey-operator')
    watched.complaints.splice(0)
  })
})

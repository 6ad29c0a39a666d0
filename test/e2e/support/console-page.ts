/** A page of the console, and what the browser complains of meanwhile. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, ElementHandle, Locator, Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** The screens of a store. */
export const OF_A_STORE = [
  'overview',
  'sessions',
  'ended',
  'users',
  'session-config',
  'map',
  'lockouts',
  'jobs',
  'audit',
  'credentials',
  'events',
  'endpoints',
] as const
/** How long undo is offered, and a little. */
export const PAST_UNDO_MILLISECONDS = 6_000
/** More than any screen has places to stop at. */
const MAX_STOPS = 150

export interface Watched {
  readonly page: Page
  /** Errors, messages, and breaches of the page's policy. */
  readonly complaints: string[]
  /** Addresses of other origins that were asked. */
  readonly strangers: string[]
}

/** A page that is listened to. */
export async function watchedPage(browser: Browser, baseUrl: string, options: BrowserContextOptions): Promise<Watched> {
  const page = await (await browser.newContext({ baseURL: baseUrl, ...options })).newPage()
  const complaints: string[] = []
  const strangers: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => complaints.push(message.text()))
  if (options.javaScriptEnabled !== false) await hearPolicy(page, complaints)
  page.on('request', (request) => {
    const url = request.url()
    if (new URL(url).origin !== baseUrl && !/^(?:data|blob):/.test(url)) strangers.push(url)
  })
  return { page, complaints, strangers }
}

/** Breaches of a page's policy. Of pages without scripts the browser's console tells them. */
async function hearPolicy(page: Page, complaints: string[]): Promise<void> {
  await page.exposeFunction('policyWasBroken', (what: string) => complaints.push(`policy: ${what}`))
  await page.addInitScript(() => {
    interface Violation {
      readonly effectiveDirective: string
      readonly blockedURI: string
    }
    const page = globalThis as unknown as {
      readonly policyWasBroken: (what: string) => void
      readonly addEventListener: (name: string, listener: (event: Violation) => void) => void
    }
    page.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
      page.policyWasBroken(`${effectiveDirective} ${blockedURI}`),
    )
  })
}

/** Shows the token. Whoever is not signed in is told so, and browsers say that too: it is no complaint. */
export async function signInWith(
  token: string,
  { page, complaints }: Pick<Watched, 'page' | 'complaints'>,
): Promise<void> {
  await page.goto('/console')
  await page.getByLabel('Operator token').fill(token)
  complaints.length = 0
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Stores' }).waitFor()
}

/** What a page has put into the browser, but for cookies. */
export async function storedBy(page: Page): Promise<string> {
  return page.evaluate<string>(`(async () => JSON.stringify({
    ...localStorage,
    ...sessionStorage,
    ...(await indexedDB.databases()),
    ...(await caches.keys()),
  }))()`)
}

/** The cookies of an operator who is signed in. */
export async function cookiesOf(browser: Browser, baseUrl: string, token: string) {
  const watched = await watchedPage(browser, baseUrl, {})
  await signInWith(token, watched)
  const context = watched.page.context()
  const state = await context.storageState()
  await context.close()
  return state
}

/** A screen, by what stands behind the `#`, once it has what it shows. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(`/console#${path}`)
  // Another address behind the `#` loads no document: the screen before stands until the next frame is drawn.
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
}

/** What axe finds that is serious or critical. */
export async function violations(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(AXE)
  return page.evaluate(async () => {
    interface Violation {
      readonly impact: string
      readonly id: string
      readonly nodes: readonly { readonly html: string }[]
    }
    interface Axe {
      readonly run: (options: object) => Promise<{ readonly violations: readonly Violation[] }>
    }
    const { axe } = globalThis as unknown as { axe: Axe }
    // What it finds well, and selectors of everything, take longer than the finding.
    return (await axe.run({ resultTypes: ['violations'], selectors: false })).violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id} ${nodes[0]?.html}`)
  })
}

/** How somebody uses a page. */
export interface Hand {
  readonly press: (what: Locator) => Promise<void>
  readonly write: (where: Locator, text: string) => Promise<void>
}

export const byMouse: Hand = {
  press: (what) => what.click(),
  async write(where, text) {
    await where.click({ clickCount: 3 })
    await where.pressSequentially(text)
  },
}

/** By Tab, Enter and letters alone. */
export const byKeyboard: Hand = {
  async press(what) {
    await tabTo(what)
    await what.page().keyboard.press('Enter')
  },
  async write(where, text) {
    await tabTo(where)
    await where.page().keyboard.press('ControlOrMeta+a')
    await where.page().keyboard.type(text)
  },
}

async function tabTo(what: Locator): Promise<void> {
  const page = what.page()
  // To find it takes the names of everything on the page: it is found once, and again if it is drawn anew.
  let element = await found(what)
  for (let stops = 0; stops < MAX_STOPS; stops += 1) {
    const is = await element.evaluate((one) => (one.isConnected ? one === one.ownerDocument.activeElement : null))
    if (is === true) return
    if (is === null) element = await found(what)
    else await page.keyboard.press('Tab')
  }
  throw new Error(`no key leads to ${what}`)
}

interface Focusable {
  readonly isConnected: boolean
  readonly ownerDocument: { readonly activeElement: unknown }
}

async function found(what: Locator): Promise<ElementHandle<Focusable>> {
  await what.waitFor()
  return (await what.elementHandle()) as ElementHandle<Focusable>
}

interface Look {
  readonly animationDuration: string
  readonly transitionDuration: string
  readonly outlineStyle: string
  readonly boxShadow: string
}
interface Element {
  readonly textContent: string | null
  readonly ariaLabel: string | null
  readonly labels?: ArrayLike<Element>
}
interface Window {
  readonly document: {
    readonly activeElement: Element | null
    readonly body: Element
    querySelectorAll: (all: '*') => Iterable<Element>
  }
  readonly getComputedStyle: (of: Element) => Look
}

/** Where Tab stops, from the beginning: what it is called, and whether it shows that it has the focus. */
export async function stopsOf(page: Page): Promise<readonly { readonly name: string; readonly shown: boolean }[]> {
  const stops: { name: string; shown: boolean }[] = []
  for (let stop = 0; stop < MAX_STOPS; stop += 1) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const { document, getComputedStyle } = globalThis as unknown as Window
      const element = document.activeElement
      if (element === null || element === document.body) return null
      const look = getComputedStyle(element)
      const name = element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent ?? ''
      return { name: name.trim(), shown: look.outlineStyle !== 'none' || look.boxShadow !== 'none' }
    })
    if (at === null || (stops.length > 0 && at.name === stops[0]?.name)) break
    stops.push(at)
  }
  return stops
}

/** The longest animation or transition of anything on the page, in seconds. */
export function longestMotion(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { document, getComputedStyle } = globalThis as unknown as Window
    const spans = [...document.querySelectorAll('*')].flatMap((element) => {
      const { animationDuration, transitionDuration } = getComputedStyle(element)
      return `${animationDuration},${transitionDuration}`.split(',').map((span) => Number.parseFloat(span))
    })
    return Math.max(...spans)
  })
}

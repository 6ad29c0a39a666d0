/** The examples, each started by its one command beside `npm run dev`, in a browser. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { type DevServer, environmentIn, startDev } from './support/dev-server.ts'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

const ROOT = join(import.meta.dirname, '../..')
const ADA = 'U0000000002'

let project: ProjectCopy
let server: DevServer
let browser: Browser

beforeAll(async () => {
  // The copy shares the installed packages, of which the client is one.
  project = copyProject()
  server = await startDev(project.directory, ['--port', String(await freePort())])
  if (!noBrowser) browser = await sharedChromium()
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
  project.remove()
})

async function startExample(name: string): Promise<{ origin: string; stop: () => Promise<void> }> {
  const port = await freePort()
  const child: ChildProcess = spawn('npm', ['start', '-w', `examples/${name}`], {
    cwd: project.directory,
    detached: true,
    env: { ...environmentIn(project.directory), PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        output += text
        if (output.includes('Ready on')) resolve()
      })
    }
    child.on('close', () => reject(new Error(output)))
  })
  return {
    origin: `http://localhost:${port}`,
    async stop() {
      const closed = new Promise((resolve) => child.once('close', resolve))
      process.kill(-(child.pid ?? 0), 'SIGTERM')
      await closed
    },
  }
}

async function signIn(page: Page, origin: string, password = 'open sesame'): Promise<void> {
  await page.goto(`${origin}/account`)
  expect(new URL(page.url()).pathname).toBe('/sign-in')
  await page.fill('[name=username]', 'ada')
  await page.fill('[name=password]', password)
  await press(page, 'form[action="/sign-in"] button')
}

/** Presses a button that leads to a page, and waits until that is there: a click does not. */
async function press(page: Page, button: string): Promise<void> {
  const loaded = page.waitForEvent('load')
  await page.click(button)
  await loaded
}

/** Opens a page that watches its session, and waits for its first answer. */
async function watch(page: Page, open: () => Promise<unknown>): Promise<void> {
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === '/session')
  await open()
  await (await answered).finished()
}

describe.skipIf(noBrowser).each(['hono', 'express'])('examples/%s', (name) => {
  let origin = ''
  beforeAll(async () => {
    const example = await startExample(name)
    origin = example.origin
    return example.stop
  })

  test('signs in, protects, steps up, lists devices and signs out', async () => {
    const contexts = [await browser.newContext(), await browser.newContext({ userAgent: 'Mozilla/5.0 Firefox/140.0' })]
    try {
      const [laptop, phone] = await Promise.all(contexts.map((context) => context.newPage()))
      if (laptop === undefined || phone === undefined) throw new Error('no pages')
      await signIn(laptop, origin, 'wrong')
      expect(await laptop.textContent('#problem')).toBe('Wrong user name or password.')
      await signIn(laptop, origin)
      expect(new URL(laptop.url()).pathname).toBe('/account')
      expect(await laptop.textContent('#account')).toContain(ADA)
      await laptop.goto(`${origin}/transfer`)
      expect(await laptop.textContent('#transfer')).toContain('money')

      await signIn(phone, origin)
      await laptop.goto(`${origin}/devices`)
      const devices = laptop.locator('#devices li')
      expect(await devices.count()).toBe(2)
      expect((await devices.allTextContents()).filter((text) => text.includes('(this one)'))).toHaveLength(1)
      await press(laptop, '#devices button')
      expect(new URL(laptop.url()).pathname).toBe('/devices')
      expect(await devices.count()).toBe(1)
      await phone.goto(`${origin}/transfer`)
      expect(new URL(phone.url()).pathname).toBe('/sign-in')

      // A form of another site's page, which carries no cookie, and is refused.
      const foreign = await fetch(`${origin}/sign-out`, {
        method: 'POST',
        headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
        body: new URLSearchParams({}),
      })
      expect(foreign.status).toBe(403)

      await laptop.goto(`${origin}/account`)
      await press(laptop, 'form[action="/sign-out"] button')
      expect(new URL(laptop.url()).pathname).toBe('/')
      await laptop.goto(`${origin}/transfer`)
      expect(new URL(laptop.url()).pathname).toBe('/sign-in')
    } finally {
      for (const context of contexts) await context.close()
    }
  })

  test('tells every open page that its session was ended elsewhere', async () => {
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.clock.install()
      await watch(page, () => signIn(page, origin))
      const other = await context.newPage()
      await watch(other, () => other.goto(`${origin}/account`))
      await setActive(false)
      // They ask once a minute.
      await page.clock.runFor(61_000)
      for (const one of [page, other]) {
        await one.waitForFunction("document.getElementById('warning').textContent !== ''")
        expect(await one.textContent('#warning')).toBe('Signed out: user_disabled')
      }
    } finally {
      await setActive(true)
      await context.close()
    }
  })
})

/** As an operator does, with the client of the operator API. */
async function setActive(active: boolean): Promise<void> {
  const { createOperator } = await import(join(ROOT, 'packages/client/dist/operator.js'))
  const { base_url: baseUrl, operator_token: credential, identity_store_id: store } = server.credentials
  const stores = createOperator({ baseUrl, credential }).stores(store)
  const ids: string[] = []
  for await (const user of stores.listUsers({ query: { limit: 3 } })) ids.push(user.user_id)
  expect(new Set(ids).size).toBe(server.credentials.users.length)
  const { data } = await stores.users(ADA).patchUser({ body: { active } })
  expect(data).toMatchObject({ user_id: ADA, active })
}

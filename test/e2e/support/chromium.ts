/** A headless Chromium: the machine's own, else the one inside the package, for Linux on x64. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'

const MODULES = join(import.meta.dirname, '../../../node_modules')
const PACKED = join(MODULES, '@sparticuz/chromium/bin')
const UNPACKED = join(MODULES, '.cache/chromium')
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Starts the browser. */
export async function launchChromium(): Promise<Browser> {
  const own = NAMES.flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
  const executablePath = own.find((path) => existsSync(path))
  const args = ['--no-sandbox', '--disable-gpu']
  if (executablePath !== undefined) return chromium.launch({ executablePath, args })
  unpack()
  return chromium.launch({
    executablePath: join(UNPACKED, 'chromium'),
    // It is built without the full browser's headless mode.
    args: [...args, '--headless=shell'],
    // Libraries that a bare machine may lack.
    env: { ...process.env, LD_LIBRARY_PATH: join(UNPACKED, 'lib') },
  })
}

function unpack(): void {
  const executable = join(UNPACKED, 'chromium')
  if (existsSync(executable)) return
  mkdirSync(UNPACKED, { recursive: true })
  const libraries = brotliDecompressSync(readFileSync(join(PACKED, 'al2023.tar.br')))
  execFileSync('tar', ['-x', '-C', UNPACKED], { input: libraries })
  // Last, and whole or not at all: its presence says that everything is there.
  writeFileSync(`${executable}.part`, brotliDecompressSync(readFileSync(join(PACKED, 'chromium.br'))))
  chmodSync(`${executable}.part`, 0o755)
  renameSync(`${executable}.part`, executable)
}

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { copyProject } from './support/project-copy.ts'

const ENVIRONMENT = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
}

test('what is shipped holds no code of the tests, and no switch for faults or the clock', async () => {
  const project = copyProject()
  try {
    const out = join(project.directory, 'dist/bundle')
    const args = ['deploy', '--dry-run', '--outdir', out, '--metafile']
    const wrangler = join(project.directory, 'node_modules/.bin/wrangler')
    await promisify(execFile)(wrangler, args, { cwd: project.directory, env: ENVIRONMENT })

    const metafile = readdirSync(out).find((name) => name.endsWith('meta.json')) ?? ''
    const inputs = Object.keys(JSON.parse(readFileSync(join(out, metafile), 'utf8')).inputs)
    expect(inputs.some((input) => input.endsWith('src/sessions/object/user-sessions.ts'))).toBe(true)
    expect(
      inputs.filter((input) => /(^|\/)(test|bench|scripts|examples)\/|vitest|fast-check|miniflare/.test(input)),
    ).toEqual([])

    const bundle = readFileSync(join(out, 'index.js'), 'utf8')
    const ours = bundle.split(/^\/\/ (?=\S+\.m?[jt]s$)/m).filter((part) => part.startsWith('src/'))
    expect(ours.length).toBeGreaterThan(40)
    expect(ours.join('\n')).not.toMatch(/\b(inject\w*|fake\w*|clock|simulat\w*|chaos)\b|setSystemTime|x-test|TEST_/i)
    // Time is the platform's, asked where a request or an alarm begins.
    expect(ours.filter((part) => part.includes('Date.now =') || part.includes('globalThis.Date'))).toEqual([])
  } finally {
    project.remove()
  }
})

test('every variable that the Worker reads is in wrangler.toml, so that no switch is hidden', () => {
  const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
  const variables = [...read('src/settings.ts').matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map((match) => match[1] ?? '')
  expect(variables.length).toBeGreaterThan(10)
  const settings = read('wrangler.toml')
  expect(variables.filter((name) => !settings.includes(name))).toEqual([])
})

import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

/** Stands in for wrangler: an account of one file per thing that exists. Logs each call. */
const FAKE_WRANGLER = `#!/bin/sh
echo "$*" >> "$ACCOUNT/calls"
case "$*" in
  'd1 list --json') cat "$ACCOUNT/databases" 2>/dev/null || echo '[]' ;;
  'd1 create'*) echo '[{"name":"other","uuid":"o"},{"name":"latchkey","uuid":"11111111-2222"}]' > "$ACCOUNT/databases" ;;
  'kv namespace list') cat "$ACCOUNT/namespaces" 2>/dev/null || echo '[]' ;;
  'kv namespace create'*) echo '[{"title":"latchkey-config","id":"abcdef"}]' > "$ACCOUNT/namespaces" ;;
  'secret list'*) cat "$ACCOUNT/secrets" 2>/dev/null || echo '[]' ;;
  'deployments status'*) cat "$ACCOUNT/deployment" ;;
  'versions view'*) cat "$ACCOUNT/version" ;;
  'versions upload'*)
    echo '{"type":"wrangler-session"}' > "$WRANGLER_OUTPUT_FILE_PATH"
    echo '{"type":"version-upload","version_id":"new-version"}' >> "$WRANGLER_OUTPUT_FILE_PATH" ;;
  'd1 execute'*) cat "$ACCOUNT/facts" 2>/dev/null || echo '[{"results":[]}]' ;;
  'd1 migrations apply'*) test ! -e "$ACCOUNT/broken-migration" ;;
esac
`
const READ_JURISDICTION =
  "d1 execute DB --remote --json --command SELECT value FROM deployment_facts WHERE name = 'jurisdiction' --config wrangler.deploy.toml"
const ORIGINS = ['--var', 'PUBLIC_ORIGINS:https://sessions.example.com']

let project: ProjectCopy
beforeEach(() => {
  project = copyProject()
  writeFileSync(join(project.directory, 'wrangler'), FAKE_WRANGLER)
  chmodSync(join(project.directory, 'wrangler'), 0o755)
})
afterEach(() => project.remove())

function deploy(...args: string[]) {
  return type(process.execPath, [join(project.directory, 'scripts/deploy.mjs'), ...args])
}

async function type(command: string, args: readonly string[], more: Record<string, string> = {}) {
  const { directory } = project
  const env = { ...process.env, ...more, ACCOUNT: directory, PATH: `${directory}${delimiter}${process.env.PATH}` }
  const run = promisify(execFile)(command, args, { cwd: directory, env })
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

function calls(): string[] {
  return readFileSync(join(project.directory, 'calls'), 'utf8').trim().split('\n')
}

function given(name: string, text: string): void {
  writeFileSync(join(project.directory, name), text)
}

describe('npm run deploy', () => {
  test('on a new account creates the database and the namespace, migrates, deploys, and names the secrets', async () => {
    const { code, stdout } = await deploy(...ORIGINS)
    expect(code).toBe(0)
    expect(calls()).toEqual([
      'd1 list --json',
      'd1 create latchkey --update-config=false',
      'd1 list --json',
      'kv namespace list',
      'kv namespace create latchkey-config --update-config=false',
      'kv namespace list',
      'd1 migrations apply DB --remote --config wrangler.deploy.toml',
      READ_JURISDICTION,
      'deploy --config wrangler.deploy.toml --var PUBLIC_ORIGINS:https://sessions.example.com',
      'secret list --format json --config wrangler.deploy.toml',
    ])
    const config = readFileSync(join(project.directory, 'wrangler.deploy.toml'), 'utf8')
    expect(config).toContain('database_id = "11111111-2222"')
    expect(config).toMatch(/^id = "abcdef"$/m)
    for (const name of ['SESSION_TOKEN_KEYS', 'SEALING_KEYS', 'OPERATOR_BOOTSTRAP_SECRET']) {
      expect(stdout).toContain(`wrangler secret put ${name}`)
    }
  })

  test('makes the database in the jurisdiction that the objects are to be in', async () => {
    expect((await deploy(...ORIGINS, '--var', 'JURISDICTION:eu')).code).toBe(0)
    expect(calls()).toContain('d1 create latchkey --update-config=false --jurisdiction=eu')
    expect(calls().some((call) => call.startsWith('deploy ') && call.endsWith('--var JURISDICTION:eu'))).toBe(true)
  })

  test.each([
    ['eu', []],
    ['eu', ['--var', 'JURISDICTION:us']],
    ['', ['--var', 'JURISDICTION:eu']],
  ])('refuses a jurisdiction other than that of the objects (%j): %j', async (has, args) => {
    given('facts', JSON.stringify([{ results: [{ value: has }] }]))
    const { code, stderr } = await deploy(...ORIGINS, ...args)
    expect([code, stderr]).toEqual([1, expect.stringContaining(`--var JURISDICTION:${has}\n`)])
    expect(calls().at(-1)).toBe(READ_JURISDICTION)
  })

  test('tells the Worker the jurisdiction of the objects, also one that wrangler.toml says', async () => {
    given('facts', '[{"results":[{"value":"eu"}]}]')
    expect((await deploy(...ORIGINS, '--var', 'JURISDICTION:eu')).code).toBe(0)
    const toml = readFileSync(join(project.directory, 'wrangler.toml'), 'utf8')
    given('wrangler.toml', toml.replace('JURISDICTION = ""', 'JURISDICTION = "eu"'))
    expect((await deploy(...ORIGINS)).code).toBe(0)
  })

  test('by the workflow is told all that the environment has as arguments', async () => {
    const workflow = readFileSync(join(project.directory, '.github/workflows/deploy.yml'), 'utf8')
    const [, command = ''] = /run: npm ci && npm run deploy -- (.*)/.exec(workflow) ?? []
    const [, documented = ''] =
      /^(--var .*)$/m.exec(readFileSync(join(project.directory, 'docs/operating.md'), 'utf8')) ?? []
    const { code } = await type('sh', ['-c', `node scripts/deploy.mjs ${command}`], { DEPLOY_ARGUMENTS: documented })
    expect([code, documented]).toEqual([0, expect.stringContaining('--var JURISDICTION:eu')])
    expect(calls()).toContain(`deploy --config wrangler.deploy.toml ${documented}`)
    expect((await type('sh', ['-c', `node scripts/deploy.mjs ${command}`])).stderr).toContain('--var PUBLIC_ORIGINS:')
  })

  test('uses what exists, and names only the secrets that are missing', async () => {
    given('databases', '[{"name":"latchkey","uuid":"11111111-2222"}]')
    given('namespaces', '[{"title":"latchkey-config","id":"abcdef"}]')
    given('secrets', '[{"name":"SESSION_TOKEN_KEYS"},{"name":"OPERATOR_BOOTSTRAP_SECRET"}]')
    const { stdout } = await deploy(...ORIGINS)
    expect(calls().filter((call) => call.includes('create'))).toEqual([])
    expect(stdout.match(/secret put \w+/g)).toEqual(['secret put SEALING_KEYS'])
  })

  test('does not deploy when a migration fails', async () => {
    given('broken-migration', '')
    expect((await deploy(...ORIGINS)).code).toBe(1)
    expect(calls().at(-1)).toContain('d1 migrations apply')
  })

  test('refuses to deploy with the origins of local development', async () => {
    const { code, stderr } = await deploy()
    expect(code).toBe(1)
    expect(stderr).toContain('--var PUBLIC_ORIGINS:')
  })

  describe('in steps', () => {
    const CONFIG = '--config wrangler.deploy.toml'
    const RUNNING = { versions: [{ version_id: 'old-version', percentage: 100 }] }
    const BOTH = {
      versions: [
        { version_id: 'old-version', percentage: 90 },
        { version_id: 'new-version', percentage: 10 },
      ],
    }
    const lastTag = () =>
      Array.from(readFileSync(join(project.directory, 'wrangler.toml'), 'utf8').matchAll(/tag = "(.+)"/g)).at(-1)?.[1]

    beforeEach(() => {
      given('databases', '[{"name":"latchkey","uuid":"11111111-2222"}]')
      given('namespaces', '[{"title":"latchkey-config","id":"abcdef"}]')
      given('deployment', JSON.stringify(RUNNING))
      given('version', JSON.stringify({ resources: { script_runtime: { migration_tag: lastTag() } } }))
    })

    test('migrates, uploads a version, gives it its part, and says how it goes on', async () => {
      const { code, stdout } = await deploy('--percentage', '10', ...ORIGINS)
      expect(code).toBe(0)
      expect(calls().slice(2, -1)).toEqual([
        `deployments status --json ${CONFIG}`,
        `versions view old-version --json ${CONFIG}`,
        `d1 migrations apply DB --remote ${CONFIG}`,
        READ_JURISDICTION,
        `versions upload ${CONFIG} --var PUBLIC_ORIGINS:https://sessions.example.com`,
        `versions deploy new-version@10 old-version@90 --yes ${CONFIG}`,
      ])
      expect(stdout).toContain('npm run deploy -- --percentage 0 --version-id new-version')
    })

    test('gives a version that is there another part: more, all, or none', async () => {
      given('deployment', JSON.stringify(BOTH))
      for (const percentage of ['50', '100', '0']) {
        expect((await deploy('--percentage', percentage, '--version-id=new-version')).code).toBe(0)
      }
      expect(calls().filter((call) => call.startsWith('versions'))).toEqual([
        `versions deploy new-version@50 old-version@50 --yes ${CONFIG}`,
        `versions deploy new-version@100 --yes ${CONFIG}`,
        `versions deploy old-version@100 --yes ${CONFIG}`,
      ])
    })

    test('refuses a version that makes Durable Objects, before anything is changed', async () => {
      given('version', '{"resources":{"script_runtime":{"migration_tag":"v1"}}}')
      const { code, stderr } = await deploy('--percentage', '10', ...ORIGINS)
      expect([code, calls().some((call) => /migrations|upload|versions deploy/.test(call))]).toEqual([1, false])
      expect(stderr).toContain(`v1 → ${lastTag()}`)
      expect(stderr).toContain('without --percentage')
    })

    test('refuses a third version, and one that is not there', async () => {
      given('deployment', JSON.stringify(BOTH))
      const third = await deploy('--percentage', '10', ...ORIGINS)
      expect([third.code, third.stderr]).toEqual([1, expect.stringContaining('new-version (10 %)')])
      const unknown = await deploy('--percentage', '10', '--version-id', 'other-version')
      expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('other-version is not one')])
      expect(calls().some((call) => /migrations|upload|versions deploy/.test(call))).toBe(false)
    })

    test.each(['0', '101', 'ten', ''])('refuses %j as a percentage of a new version', async (percentage) => {
      const { code, stderr } = await deploy('--percentage', percentage, ...ORIGINS)
      expect([code, stderr]).toEqual([1, expect.stringContaining('from 1 to 100')])
    })
  })

  test('with --dry-run calls nothing', async () => {
    const { stdout } = await deploy('--dry-run', ...ORIGINS)
    expect(stdout).toContain('wrangler d1 migrations apply DB --remote')
    expect(calls).toThrow('ENOENT')
  })
})

/** Imports run one way. The lint rules say so, and each of them is shown to refuse what it should and no more. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BIOME, ROOT, sources } from './source-tree.ts'

/** What a file may not import, and what it may. */
interface Rule {
  readonly file: string
  readonly refused: readonly string[]
  readonly allowed: readonly string[]
}

const below = ['domain/session.ts', 'store/users.ts', 'http/body.ts', 'env.ts']

const RULES: readonly Rule[] = [
  {
    file: 'src/domain/a.ts',
    refused: ['../store/users.ts', '../http/body.ts', '../env.ts', 'zod', 'node:crypto', 'cloudflare:workers'],
    allowed: ['./session.ts'],
  },
  {
    file: 'src/http/a.ts',
    refused: ['../domain/result.ts', '../auth/origins.ts', '../env.ts', '../app.ts', 'zod', 'cloudflare:workers'],
    allowed: ['./body.ts', 'cookie', 'node:buffer'],
  },
  {
    file: 'src/store/a.ts',
    refused: ['../http/body.ts', '../auth/scopes.ts', '../sessions/jobs.ts', '../env.ts', 'zod', 'cloudflare:workers'],
    allowed: ['../domain/session.ts', './schema.ts', 'drizzle-orm', 'drizzle-orm/d1'],
  },
  {
    file: 'src/auth/a.ts',
    refused: [
      '../identity/passwords.ts',
      '../sessions/service.ts',
      '../api/parse.ts',
      '../app.ts',
      '../index.ts',
      'zod',
    ],
    allowed: [...below.map((path) => `../${path}`), './scopes.ts', 'node:crypto'],
  },
  {
    file: 'src/identity/a.ts',
    refused: ['../sessions/service.ts', '../api/apio/routes.ts', '../services.ts', 'zod', 'cloudflare:workers'],
    allowed: [...below.map((path) => `../${path}`), '../auth/sealing.ts', './passwords.ts'],
  },
  { file: 'src/identity/user-profiles.ts', refused: ['../api/context.ts', 'zod'], allowed: ['cloudflare:workers'] },
  {
    file: 'src/identity/application-server-calls.ts',
    refused: ['../api/context.ts', 'zod'],
    allowed: ['cloudflare:workers'],
  },
  { file: 'src/identity/stored-profiles.ts', refused: ['../api/context.ts', 'cloudflare:workers'], allowed: ['zod'] },
  {
    file: 'src/sessions/a.ts',
    refused: ['../identity/passwords.ts', '../api/context.ts', '../app.ts', '../index.ts', 'zod', 'cloudflare:workers'],
    allowed: [...below.map((path) => `../${path}`), '../auth/session-tokens.ts', './service.ts'],
  },
  { file: 'src/sessions/user-sessions.ts', refused: ['../api/context.ts', 'zod'], allowed: ['cloudflare:workers'] },
  { file: 'src/sessions/store-jobs.ts', refused: ['../api/context.ts', 'zod'], allowed: ['cloudflare:workers'] },
  { file: 'src/sessions/config-copies.ts', refused: ['../api/context.ts', 'cloudflare:workers'], allowed: ['zod'] },
  {
    file: 'src/api/a.ts',
    refused: [
      './slack/routes.ts',
      '../app.ts',
      '../index.ts',
      '../services.ts',
      '../entrypoint.ts',
      'cloudflare:workers',
    ],
    allowed: [
      './context.ts',
      '../auth/scopes.ts',
      '../identity/sign-in.ts',
      '../sessions/service.ts',
      '../env.ts',
      'zod',
    ],
  },
  {
    file: 'src/api/looker/a.ts',
    refused: [
      '../slack/schemas.ts',
      '../../api/slack/schemas.ts',
      '../../app.ts',
      '../../index.ts',
      '../../services.ts',
      '../../entrypoint.ts',
      'cloudflare:workers',
    ],
    allowed: [
      './schemas.ts',
      '../route.ts',
      ...below.map((path) => `../../${path}`),
      '../../auth/scopes.ts',
      '../../identity/sign-in.ts',
      '../../sessions/service.ts',
      'itty-router',
    ],
  },
  {
    file: 'src/env.ts',
    refused: [
      './store/schema.ts',
      './auth/scopes.ts',
      './api/context.ts',
      './sessions/service.ts',
      'cloudflare:workers',
    ],
    allowed: ['./domain/policy.ts', './sessions/user-sessions.ts', './sessions/store-jobs.ts', 'zod'],
  },
  {
    file: 'src/app.ts',
    refused: ['./index.ts', './entrypoint.ts', './services.ts', 'zod', 'cloudflare:workers'],
    allowed: ['./api/slack/routes.ts', './api/route.ts', './http/cors.ts', 'itty-router'],
  },
  {
    file: 'src/services.ts',
    refused: ['./index.ts', './entrypoint.ts', './app.ts', 'zod', 'cloudflare:workers'],
    allowed: ['./env.ts', './sessions/service.ts', './api/context.ts'],
  },
  {
    file: 'src/entrypoint.ts',
    refused: ['./index.ts', './app.ts', 'zod'],
    allowed: ['./services.ts', './api/sessions/binding-schemas.ts', 'cloudflare:workers'],
  },
  { file: 'src/index.ts', refused: ['zod'], allowed: ['./app.ts', './services.ts', 'cloudflare:workers'] },
]

/** The ways of writing an import that the linter sees. */
const SPELLINGS = [
  (from: string) => `import '${from}'`,
  (from: string) => `import type { A } from '${from}'`,
  (from: string) => `export * from '${from}'`,
  (from: string) => `await import('${from}')`,
]

const tree = mkdtempSync(join(tmpdir(), 'latchkey-imports-'))
let reported: ReadonlySet<string>

/** Writes a file per rule with all its imports, one a line, and lints them all with the project's own rules. */
beforeAll(() => {
  for (const name of ['biome.json', '.gitignore']) copyFileSync(join(ROOT, name), join(tree, name))
  for (const { file, refused, allowed } of RULES) {
    mkdirSync(dirname(join(tree, file)), { recursive: true })
    writeFileSync(join(tree, file), linesOf([...refused, ...allowed]).join('\n'))
  }
  const args = ['lint', '--only=style/noRestrictedImports', '--max-diagnostics=none', '--reporter=json', '.']
  reported = new Set(biome(args).map(({ location: { path, start } }) => `${path}:${start.line}`))
})

afterAll(() => rmSync(tree, { recursive: true }))

describe.each(RULES)('$file', ({ file, refused, allowed }) => {
  const isReported = (index: number) =>
    SPELLINGS.map((_, spelling) => reported.has(`${file}:${index * SPELLINGS.length + spelling + 1}`))

  test.each(refused.map((from, index) => ({ from, index })))('must not import $from', ({ index }) => {
    expect(isReported(index)).toEqual(SPELLINGS.map(() => true))
  })

  test.each(allowed.map((from, index) => ({ from, index: refused.length + index })))(
    'may import $from',
    ({ index }) => {
      expect(isReported(index)).toEqual(SPELLINGS.map(() => false))
    },
  )
})

describe('the code', () => {
  test('keeps to every rule of the linter and to its format', () => {
    execFileSync(BIOME, ['ci', '--error-on-warnings', 'src'], { cwd: ROOT, stdio: 'pipe' })
  })

  test('has no folder without a rule', () => {
    const ruled = new Set(RULES.map(({ file }) => dirname(file).replace('src/api/looker', 'src/api/*')))
    const folders = new Set(sources().map((path) => dirname(path).replace(/^src\/api\/[^/]+$/, 'src/api/*')))
    expect([...folders].filter((folder) => !ruled.has(folder))).toEqual([])
  })

  test('imports in no way that the linter does not see', () => {
    const blind = /\brequire\(|(?<!await )\bimport\(|\.\.\/[a-z-]+\/\.\.\//
    expect(sources().filter((path) => blind.test(readFileSync(join(ROOT, path), 'utf8')))).toEqual([])
  })

  test('runs zod only where something enters', () => {
    const places =
      /^src\/(env|api\/(parse|route|openapi)|api\/[^/]+\/([a-z-]+-)?schemas|sessions\/(config-copies|stored-jobs)|identity\/stored-profiles)\.ts$/
    const outside = sources().filter((path) => !places.test(path))
    expect(outside.filter((path) => runsZod(readFileSync(join(ROOT, path), 'utf8')))).toEqual([])
    expect(["import { z } from 'zod'", "import type { z } from 'zod'"].map(runsZod)).toEqual([true, false])
  })
})

function linesOf(imports: readonly string[]): string[] {
  return imports.flatMap((from) => SPELLINGS.map((spell) => spell(from)))
}

function runsZod(code: string): boolean {
  return /^(import|export) (?!type ).*from 'zod/m.test(code)
}

interface Diagnostic {
  readonly location: { readonly path: string; readonly start: { readonly line: number } }
}

function biome(args: string[]): Diagnostic[] {
  try {
    return JSON.parse(execFileSync(BIOME, args, { cwd: tree, encoding: 'utf8', stdio: 'pipe' })).diagnostics
  } catch (error) {
    // It ends with an error where it finds something, which here it must.
    return JSON.parse((error as { stdout: string }).stdout).diagnostics
  }
}

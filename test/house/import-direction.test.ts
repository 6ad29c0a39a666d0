/** Imports run one way: each folder imports from itself and from what its line names, and no file comes back to itself. */
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, sources } from './source-tree.ts'

/** From the ground up. `ground` are the files of `src/` that import no folder but the domain. */
const MAY_IMPORT: Readonly<Record<string, string>> = {
  domain: '',
  http: '',
  ground: 'domain',
  store: 'domain ground',
  auth: 'domain http ground store',
  events: 'domain ground store auth',
  identity: 'domain http ground store auth events',
  audit: 'domain ground store auth',
  'sessions/object': 'domain http ground store events',
  'sessions/jobs': 'domain ground store auth events audit sessions/object',
  sessions: 'domain ground store auth events sessions/object sessions/jobs',
  api: 'domain http ground store auth identity events audit sessions sessions/object sessions/jobs',
  'api/*': 'domain http ground store auth identity events audit sessions sessions/object sessions/jobs api',
  roof: 'domain http ground store auth identity events audit sessions sessions/object sessions/jobs api api/*',
}
/** Packages that are not for every folder above the domain, and who may import them. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  zod: /^src\/(settings|api\/.*|identity\/stored-.*|sessions\/jobs\/(stored-.*|published-config))\.ts$/,
  'drizzle-orm': /^src\/store\//,
  'cloudflare:workers': /^src\/(index|spans|entrypoint|auth\/credentials|events\/.*|identity\/.*|sessions\/.*)\.ts$/,
}

type Imports = ReadonlyMap<string, readonly string[]>

/** What each file imports: paths from the root, or names of packages. */
const imports: Imports = new Map(
  sources().map((file) => [
    file,
    Array.from(
      readFileSync(join(ROOT, file), 'utf8').matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'/gm),
      (match) =>
        match[1]?.startsWith('.') ? posix.normalize(posix.join(dirname(file), match[1])) : (match[1] as string),
    ),
  ]),
)

function roomOf(file: string): string {
  const folder = dirname(file).replace(/^src\/?/, '')
  if (folder.startsWith('api/')) return 'api/*'
  if (folder !== '') return folder
  return /^src\/(settings|limits|time-limit|turns|log|spans|counters|jurisdiction|object-settings)\.ts$/.test(file)
    ? 'ground'
    : 'roof'
}

/** Every import that goes up, or sideways between two APIs. */
function upward(all: Imports): string[] {
  return [...all].flatMap(([file, targets]) =>
    targets
      .filter((target) => {
        if (!target.startsWith('src/')) {
          const [name = ''] = target.split('/')
          return dirname(file) === 'src/domain' || PACKAGES[name]?.test(file) === false
        }
        const [from, to] = [roomOf(file), roomOf(target)]
        if (from === to) return from === 'api/*' && dirname(file) !== dirname(target)
        return !MAY_IMPORT[from]?.split(' ').includes(to)
      })
      .map((target) => `${file} imports ${target}`),
  )
}

/** A file that comes back to itself, by way of which. Null: there is none. */
function circle(all: Imports, path: readonly string[] = []): readonly string[] | null {
  const done = new Set<string>()
  const walk = (file: string, way: readonly string[]): readonly string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return null
    for (const target of all.get(file) ?? []) {
      const found = walk(target, [...way, file])
      if (found !== null) return found
    }
    done.add(file)
    return null
  }
  for (const file of all.keys()) {
    const found = walk(file, path)
    if (found !== null) return found
  }
  return null
}

test('imports run one way, and there is no circle', () => {
  const arrows = new Map<string, Set<string>>(Object.keys(MAY_IMPORT).map((room) => [room, new Set()]))
  for (const [file, targets] of imports) {
    for (const target of targets) if (target.startsWith('src/')) arrows.get(roomOf(file))?.add(roomOf(target))
  }
  for (const [room, to] of arrows) console.log(room.padEnd(16), [...to].filter((other) => other !== room).join(' '))
  expect(imports.size).toBeGreaterThan(100)
  expect(upward(imports)).toEqual([])
  expect(circle(imports)).toBeNull()
})

test('an import that goes up, sideways, or round is found', () => {
  const wrong = new Map([
    ['src/domain/a.ts', ['src/store/users.ts', 'zod']],
    ['src/store/a.ts', ['src/sessions/service.ts', 'cloudflare:workers', 'src/domain/session.ts', 'drizzle-orm/d1']],
    ['src/api/looker/a.ts', ['src/api/slack/errors.ts', 'src/app.ts', 'src/api/parse.ts']],
  ])
  expect(upward(wrong)).toEqual([
    'src/domain/a.ts imports src/store/users.ts',
    'src/domain/a.ts imports zod',
    'src/store/a.ts imports src/sessions/service.ts',
    'src/store/a.ts imports cloudflare:workers',
    'src/api/looker/a.ts imports src/api/slack/errors.ts',
    'src/api/looker/a.ts imports src/app.ts',
  ])
  expect(
    circle(
      new Map([
        ['src/a.ts', ['src/b.ts']],
        ['src/b.ts', ['src/a.ts']],
      ]),
    ),
  ).not.toBeNull()
})

test('nobody asks for an object but in the jurisdiction of the deployment', () => {
  const kinds = /env\.(USERS|JOBS|PROFILES|HASHERS|ENDPOINTS|APPLICATION_SERVER_CALLS)\b/
  const lines = [...imports.keys()].flatMap((file) => readFileSync(join(ROOT, file), 'utf8').split('\n'))
  const asking = lines.filter((line) => kinds.test(line))
  expect(asking.length).toBeGreaterThan(8)
  expect(asking.filter((line) => !line.includes('objectsIn(env.'))).toEqual([])
})

// Generates the next migration from src/store/schema.ts: `npm run migrations:generate -- NAME`.
// drizzle cannot say WITHOUT ROWID, which halves the rows written to a table with a text key.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const name = process.argv[2]
if (name === undefined) throw new Error('usage: npm run migrations:generate -- NAME')

const landed = new Set(readdirSync('migrations'))
execFileSync('drizzle-kit', ['generate', '--name', name], { stdio: 'inherit' })
for (const file of readdirSync('migrations').filter((file) => file.endsWith('.sql') && !landed.has(file))) {
  const path = `migrations/${file}`
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('\n);', '\n) WITHOUT ROWID;'))
}

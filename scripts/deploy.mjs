// `npm run deploy`: makes sure that the database and the KV namespace exist, migrates, deploys, and says which
// secrets are missing. Other arguments go to `wrangler deploy`. `--dry-run` only prints the commands.
// Migrations come first and only add (expand, then contract): the Worker that runs meanwhile must survive them.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEPLOY_CONFIG, ensureDatabase, ensureNamespace, withIds } from './deploy/resources.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SECRETS = {
  SESSION_TOKEN_KEYS: '1:<32 random bytes in base64url>',
  SEALING_KEYS: '1:<32 random bytes in base64url>',
  OPERATOR_BOOTSTRAP_SECRET: '<32 random characters or more>',
}

const args = process.argv.slice(2)
const dryRun = args.includes('--dry-run')
const passed = args.filter((argument) => argument !== '--dry-run')

if (!passed.some((argument) => argument.includes('PUBLIC_ORIGINS:'))) {
  console.error(
    'Say under which origins the service will be reached; wrangler.toml has those of local development:\n' +
      '  npm run deploy -- --var PUBLIC_ORIGINS:https://sessions.example.com',
  )
  process.exit(1)
}

const wrangler = dryRun ? printer() : runner()
try {
  deploy()
} catch (error) {
  // wrangler has said what is wrong.
  console.error(error.status === undefined ? error : `\nStopped: ${error.message}`)
  process.exit(1)
}

function deploy() {
  const ids = { databaseId: ensureDatabase(wrangler), namespaceId: ensureNamespace(wrangler) }
  wrangler.write(DEPLOY_CONFIG, withIds(readFileSync(`${ROOT}/wrangler.toml`, 'utf8'), ids))
  wrangler.run('d1', 'migrations', 'apply', 'DB', '--remote', '--config', DEPLOY_CONFIG)
  wrangler.run('deploy', '--config', DEPLOY_CONFIG, ...passed)

  const set = JSON.parse(wrangler.read('secret', 'list', '--format', 'json', '--config', DEPLOY_CONFIG))
  const missing = Object.keys(SECRETS).filter((name) => !set.some((secret) => secret.name === name))
  if (missing.length === 0) return
  console.log('\nThe Worker answers 503 until these secrets are set; each command asks for the value:')
  for (const name of missing)
    console.log(`  npm exec -- wrangler secret put ${name} --config ${DEPLOY_CONFIG}  # ${SECRETS[name]}`)
  console.log('A key: node -p \'"1:" + crypto.randomBytes(32).toString("base64url")\'')
}

function runner() {
  const options = { cwd: ROOT, encoding: 'utf8', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } }
  return {
    read: (...args) => execFileSync('wrangler', args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] }),
    run: (...args) => {
      execFileSync('wrangler', args, { ...options, stdio: 'inherit' })
    },
    write: (name, text) => writeFileSync(`${ROOT}/${name}`, text),
  }
}

/** Prints what would be done on an account that has nothing yet. */
function printer() {
  const made = []
  const print = (args) => console.log(['wrangler', ...args].join(' '))
  return {
    read: (...args) => {
      print(args)
      const has = (what) => made.some((command) => command.startsWith(`${what} create`))
      if (args[0] === 'd1') return has('d1') ? '[{"name":"latchkey","uuid":"DATABASE_ID"}]' : '[]'
      if (args[0] === 'kv') return has('kv namespace') ? '[{"title":"latchkey-config","id":"NAMESPACE_ID"}]' : '[]'
      return '[]'
    },
    run: (...args) => {
      print(args)
      made.push(args.join(' '))
    },
    write: (name) => console.log(`write ${name}: wrangler.toml with the ids of the database and the namespace`),
  }
}

// Prints how long refused sign-ins take, so that it can be seen that they take alike, at a running
//   npm run dev -- --var SIGN_IN_TRIES_PER_USER:100000 --var SIGN_IN_TRIES_BEFORE_SLOWING:100000
// since each user is tried more often than a deployment lets strangers try.
// Usage: node scripts/sign-in-times.mjs [dev-credentials.json] [samples]
import { readFileSync } from 'node:fs'

const [path = '.wrangler/state/dev-credentials.json', samples = '100'] = process.argv.slice(2)
const { base_url: baseUrl, users } = JSON.parse(readFileSync(path, 'utf8'))
const named = (part) => users.find(({ username }) => username.startsWith(part))

/** Each kind of refusal, with a password that would be right where there is one. */
const KINDS = {
  'wrong password': { username: named('john.').username, password: 'wrong' },
  'wrong password, application server': { username: named('sam.').username, password: 'wrong' },
  'unknown user': { username: 'nobody@pie.example', password: 'wrong' },
  'disabled user': named('dora.'),
  'wrong login mode': named('sol.'),
  bot: named('robin.'),
}

let sent = 0
console.log(`milliseconds of ${samples} samples${' '.repeat(17)}min     p5    p50    p95    max`)
for (const [kind, { username, password }] of Object.entries(KINDS)) {
  const times = []
  for (let sample = 0; sample < Number(samples); sample += 1) {
    sent += 1
    const start = performance.now()
    const response = await fetch(`${baseUrl}/api/v1/login/`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        // Another /64 each time, so that none of them is locked.
        'cf-connecting-ip': `2001:db8:1:${sent.toString(16)}::1`,
      },
      body: JSON.stringify({ username, password }),
    })
    if (response.status !== 401) throw new Error(`${kind}: ${response.status} ${await response.text()}`)
    await response.text()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(0).padStart(7)
  console.log(`${kind.padEnd(38)}${[0, 0.05, 0.5, 0.95, 1].map(at).join('')}`)
}

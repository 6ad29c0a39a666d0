// What nothing can be faster than: a Worker that does nothing, Workers that make one call of an object, one that makes a
// new object with a row and an alarm, and ones that do the least for a session that is to last: D1 is asked, an object, a
// known or a new one, writes it down with an alarm that would complete its copy, and the copy goes to D1 after the
// answer. And one that hashes a password, as every sign-in does.
import { DurableObject } from 'cloudflare:workers'
import { scryptSync } from 'node:crypto'

const RETRY_MILLISECONDS = 10_000
const DEADLINE_MILLISECONDS = 30 * 86_400_000

/** Keeps rows, and copies them. */
class Copied extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    this.sql = ctx.storage.sql
    this.sql.exec('CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL) WITHOUT ROWID')
  }

  /** Writes a row, and copies it. */
  write() {
    const id = crypto.randomUUID()
    this.sql.exec('INSERT INTO sessions VALUES (?, ?)', id, 'somebody')
    void this.ctx.storage.setAlarm(Date.now() + RETRY_MILLISECONDS)
    this.ctx.waitUntil(this.copy(id))
    return 'somebody'
  }

  async copy(id) {
    await this.env.DB.prepare('INSERT INTO sessions VALUES (?, ?)').bind(id, 'somebody').run()
    this.sql.exec("UPDATE sessions SET user = 'copied' WHERE id = ?", id)
    void this.ctx.storage.setAlarm(Date.now() + DEADLINE_MILLISECONDS)
  }

  alarm() {}
}

export class Limit extends Copied {
  constructor(ctx, env) {
    super(ctx, env)
    this.sql.exec("INSERT OR IGNORE INTO sessions VALUES ('one', 'somebody')")
  }

  nothing() {
    return 'somebody'
  }

  read() {
    return this.sql.exec("SELECT user FROM sessions WHERE id = 'one'").one().user
  }
}

/** Made for one row, as a new user's is for the first session. */
export class NewLimit extends Copied {
  /** Without a copy. */
  writeAlone() {
    this.sql.exec("INSERT INTO sessions VALUES ('one', 'somebody')")
    void this.ctx.storage.setAlarm(Date.now() + DEADLINE_MILLISECONDS)
    return 'somebody'
  }
}

export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url)
    if (pathname === '/') return new Response('somebody')
    if (pathname === '/hash')
      return new Response(scryptSync('password', 'salt', 32, { N: 16_384, r: 8, p: 5, maxmem: 2 ** 26 }))
    const newStub = () => env.NEW_LIMIT.get(env.NEW_LIMIT.newUniqueId())
    if (pathname === '/new') return new Response(await newStub().writeAlone())
    const stub = env.LIMIT.get(env.LIMIT.idFromName(search || 'one'))
    if (pathname.startsWith('/write')) {
      await env.DB.prepare('SELECT user FROM sessions WHERE id = ?').bind('one').first()
      return new Response(await (pathname === '/write' ? stub : newStub()).write())
    }
    return new Response(pathname === '/call' ? await stub.nothing() : await stub.read())
  },
}

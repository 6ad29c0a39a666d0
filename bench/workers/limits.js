// What nothing can be faster than: a Worker that does nothing, and Workers that make one call of an object.
import { DurableObject } from 'cloudflare:workers'

export class Limit extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    this.sql = ctx.storage.sql
    this.sql.exec('CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL) WITHOUT ROWID')
    this.sql.exec("INSERT OR IGNORE INTO sessions VALUES ('one', 'somebody')")
  }

  nothing() {
    return 'somebody'
  }

  read() {
    return this.sql.exec("SELECT user FROM sessions WHERE id = 'one'").one().user
  }
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return new Response('somebody')
    const stub = env.LIMIT.get(env.LIMIT.idFromName('one'))
    return new Response(pathname === '/call' ? await stub.nothing() : await stub.read())
  },
}

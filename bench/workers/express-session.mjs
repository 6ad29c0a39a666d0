// express-session in Node, with the store that the parent names. Says its port when it listens.
import { createRequire } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'

const sqliteStoreOf = createRequire(import.meta.url)('better-sqlite3-session-store')
const [kind, place] = process.argv.slice(2)

const app = express()
app.use(
  session({ store: await storeOf(kind), secret: 'a secret for a benchmark', resave: false, saveUninitialized: false }),
)
app.post('/sign-in', (request, response) => {
  request.session.userId = 'somebody'
  response.sendStatus(204)
})
app.get('/check', (request, response) => {
  if (request.session.userId === undefined) response.sendStatus(401)
  else response.json({ userId: request.session.userId })
})
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
// The parent has gone.
process.on('disconnect', () => process.exit())

async function storeOf(name) {
  if (name === 'redis') {
    const client = createClient({ socket: { path: place } })
    await client.connect()
    return new RedisStore({ client })
  }
  const client = new DatabaseSync(place)
  client.exec('PRAGMA journal_mode = WAL')
  return new (sqliteStoreOf(session))({ client })
}

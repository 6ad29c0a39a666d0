/** The same small application in every framework that there is an adapter for. */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { Hono } from 'hono'
import { AutoRouter, type IRequest } from 'itty-router'
import * as forExpress from '../../../packages/client/src/express.ts'
import * as forFetch from '../../../packages/client/src/fetch.ts'
import * as forHono from '../../../packages/client/src/hono.ts'
import type { LatchkeyClient } from '../../../packages/client/src/index.ts'
import * as forItty from '../../../packages/client/src/itty.ts'

/** Options that every adapter has alike. */
export type Options = Pick<forFetch.MiddlewareOptions<Request>, 'cookie' | 'bearer' | 'maxAge' | 'onUnavailable'> & {
  readonly touch?: boolean
}

/**
 * A running application: `/` for everybody, `/page` with a session, `/pay` asks strictly for one of ten minutes, `/stream`
 * goes on until the session ends.
 */
export interface Application {
  readonly ask: (path: string, headers?: Record<string, string>) => Promise<Response>
  readonly stop: () => Promise<void>
}

const STEP_UP = { maxAge: 0, signedInWithin: '10m', signInPage: '/sign-in' } as const
const KEPT = { 'cache-control': 'private, max-age=7' }
const stop = async () => {}
const requestTo = (path: string, headers: Record<string, string> = {}) =>
  new Request(`https://app.pie.example${path}`, {
    headers: { 'user-agent': 'Browser/1.0', 'cf-connecting-ip': '192.0.2.44', ...headers },
  })

/** Says something, and then nothing more. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('hello')) })
}

function honoApplication(client: LatchkeyClient, options: Options): Application {
  const { endWithSession, sessionMiddleware, requireSession } = forHono
  const app = new Hono()
  app.use(sessionMiddleware(client, options))
  app.get('/', (c) => c.text(c.var.session?.userId ?? 'nobody'))
  app.get('/kept', (c) => c.text('kept', 200, KEPT))
  app.get('/page', requireSession(), (c) => c.text(c.var.session.userId))
  app.get('/pay', requireSession(STEP_UP), (c) => c.text(c.var.session.userId))
  app.get('/stream', endWithSession(), (c) => c.body(endless(), 200, KEPT))
  return { ask: async (path, headers) => app.request(requestTo(path, headers)), stop }
}

function ittyApplication(client: LatchkeyClient, options: Options): Application {
  const { endWithSession, sessionMiddleware, requireSession, sessionOf } = forItty
  const session = sessionMiddleware(client, options)
  const router = AutoRouter({ before: [session.before], finally: [session.finally] })
  router.get('/', (request: IRequest) => new Response(sessionOf(request)?.userId ?? 'nobody'))
  router.get('/kept', () => new Response('kept', { headers: KEPT }))
  router.get('/page', requireSession(), (request: IRequest) => new Response(sessionOf(request)?.userId))
  router.get('/pay', requireSession(STEP_UP), (request: IRequest) => new Response(sessionOf(request)?.userId))
  router.get('/stream', (request: IRequest) => endWithSession(request, new Response(endless(), { headers: KEPT })))
  return { ask: (path, headers) => router.fetch(requestTo(path, headers)), stop }
}

function fetchApplication(client: LatchkeyClient, options: Options): Application {
  const { endWithSession, sessionMiddleware, requireSession } = forFetch
  const withSession = sessionMiddleware(client, options)
  const [signedIn, steppedUp] = [requireSession(), requireSession(STEP_UP)]
  const answer = (request: Request) =>
    withSession(request, async (asked, session) => {
      const { pathname } = new URL(asked.url)
      if (pathname === '/kept') return new Response('kept', { headers: KEPT })
      if (pathname === '/stream') return endWithSession(asked, new Response(endless(), { headers: KEPT }))
      const refusal = pathname === '/page' ? await signedIn(asked) : pathname === '/pay' ? await steppedUp(asked) : null
      return refusal ?? new Response(session?.userId ?? 'nobody')
    })
  return { ask: (path, headers) => answer(requestTo(path, headers)), stop }
}

async function expressApplication(client: LatchkeyClient, options: Options): Promise<Application> {
  const { endWithSession, sessionMiddleware, requireSession, sessionOf } = forExpress
  const app = express()
  // Cloudflare's address stands in the way of a proxy's.
  app.set('trust proxy', true)
  app.use(sessionMiddleware(client, options))
  app.get('/', (request, response) => void response.send(sessionOf(request)?.userId ?? 'nobody'))
  app.get('/kept', (_request, response) => void response.set(KEPT).send('kept'))
  app.get('/page', requireSession(), (request, response) => void response.send(sessionOf(request)?.userId))
  app.get('/pay', requireSession(STEP_UP), (request, response) => void response.send(sessionOf(request)?.userId))
  app.get('/stream', endWithSession(), (_request, response) => void response.set(KEPT).write('hello'))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ask: (path, headers) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        redirect: 'manual',
        headers: { 'user-agent': 'Browser/1.0', 'x-forwarded-for': '192.0.2.44', ...headers },
      }),
    stop: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}

export const FRAMEWORKS: readonly (readonly [
  string,
  (client: LatchkeyClient, options: Options) => Application | Promise<Application>,
])[] = [
  ['Hono', honoApplication],
  ['Express', expressApplication],
  ['itty', ittyApplication],
  ['fetch', fetchApplication],
]

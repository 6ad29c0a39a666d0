/** What an act is: what it asks of the service, and what follows from each answer. */
import { sdkAuthorization, sdkDate } from '../../support/sdk-signature.ts'
import type { Ledger, Session } from './ledger.ts'
import { type FullStore, LIMIT } from './store.ts'
import { type Answer, type Api, type Body, readAnswer } from './words.ts'

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Null: no answer came. */
export type Send = (request: Request) => Promise<Answer | null>

export interface Scene {
  /** Of the service, `http://host`. */
  readonly origin: string
  readonly store: FullStore
  /** A credential that may do everything. */
  readonly operator: string
  readonly ledger: Ledger
  readonly send: Send
  readonly random: () => number
  /** What is being done now: for findings. */
  readonly note: string
  /** What must not be. */
  readonly findings: string[]
  /** How often each act was answered how. */
  readonly tally: Map<string, number>
}

/** One act: on some user, or some session of the user's. */
export interface Act {
  readonly name: string
  readonly kind: 'open' | 'check' | 'list' | 'end' | 'rules'
  /** Of which kind a session must be for this. Null: it is about the user. */
  readonly on: Session['kind'] | null
  readonly run: (scene: Scene, userId: string, session: Session) => Promise<void>
}

export type Ask = Pick<Request, 'method' | 'path'> & {
  readonly bearer?: string
  readonly cookie?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly sign?: boolean
}

/** An answer that says what was done. */
export interface Said {
  readonly how: 'yes' | 'no'
  readonly body: Body
  readonly status: number
  readonly cookies: readonly string[]
}

/** Asks, and reads the answer; null: none came, or none that says what was done. */
async function ask(scene: Scene, api: Api, asked: Ask): Promise<Said | null> {
  const { method, path, bearer, cookie, json, form, sign } = asked
  const { origin, note, findings, tally, store } = scene
  const body = json !== undefined ? JSON.stringify(json) : form !== undefined ? String(new URLSearchParams(form)) : ''
  const host = new URL(origin).host
  const signed = { host, 'x-sdk-date': sdkDate(Date.now()) }
  const request = {
    method,
    path,
    headers: {
      'cf-connecting-ip': `2001:db8:${Math.floor(scene.random() * 65_536).toString(16)}:${Math.floor(scene.random() * 65_536).toString(16)}::1`,
      'user-agent': 'Mixed/1.0',
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(cookie !== undefined && { cookie: `sessionid=${cookie}` }),
      ...((cookie !== undefined || api === 'APIO' || api === 'Pages' || (api === 'own' && bearer === undefined)) && {
        origin,
      }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(sign && { ...signed, authorization: sdkAuthorization(store.sdk, { method, path, headers: signed, body }) }),
      ...asked.headers,
    },
    ...(body !== '' && { body }),
  }
  const answer = await scene.send(request)
  const said = answer === null ? null : readAnswer(api, answer)
  const how = said?.how ?? 'no answer'
  tally.set(`${api} ${how}`, (tally.get(`${api} ${how}`) ?? 0) + 1)
  if (said?.how === 'nonsense') findings.push(`${note}: ${method} ${path} ${said.because}`)
  if (answer === null || said === null || said.how === 'nonsense' || said.how === 'not now') return null
  return { how: said.how, body: said.body, status: answer.status, cookies: answer.headers.getSetCookie() }
}

export function opening(
  name: string,
  api: Api,
  kind: Session['kind'],
  request: (scene: Scene, userId: string) => Ask,
): Act {
  return {
    name,
    kind: 'open',
    on: null,
    async run(scene, userId) {
      const { ledger } = scene
      const owner = kind === 'api' ? scene.store.admin : userId
      const opened = ledger.opening(owner)
      const said = await ask(scene, api, request(scene, owner))
      if (said === null) ledger.mayHaveOpened(owner)
      else if (said.how === 'yes') opened.done(tokenIn(said), kind, scene.note)
      else if (opened.crossed().length === 0)
        scene.findings.push(`${scene.note}: refused: ${JSON.stringify(said.body)}`)
    },
  }
}

function tokenIn({ body, cookies }: { readonly body: Body; readonly cookies: readonly string[] }): string {
  const cookie = cookies.map((text) => /^(?:__Host-)?sessionid=([^;]+)/.exec(text)?.[1]).find(Boolean)
  return body?.token ?? body?.access_token ?? cookie ?? ''
}

/** `isActive`: of an answer that is no refusal. */
export function check(
  name: string,
  api: Api,
  kind: Session['kind'],
  request: (session: Session, scene: Scene) => Ask,
  isActive: (body: Body) => boolean = () => true,
): Act {
  return {
    name,
    kind: 'check',
    on: kind,
    async run(scene, _userId, session) {
      const before = session.state
      const said = await ask(scene, api, request(session, scene))
      // Only these say what has become of it.
      if (said?.how !== 'yes' && said?.status !== 401) return
      const finding = scene.ledger.saw(session, said.how === 'yes' && isActive(said.body), before)
      if (finding !== null) scene.findings.push(`${scene.note}: ${finding}`)
    },
  }
}

/** What a list shows of the sessions of a user, by ids or by numbers, must not have ended, and be no more than may be. */
export function list(
  name: string,
  api: Api,
  request: (userId: string, scene: Scene) => Ask,
  idsIn: (body: Body) => readonly (string | number)[],
): Act {
  return {
    name,
    kind: 'list',
    on: null,
    async run(scene, userId) {
      const over = [...scene.ledger.sessions.values()].filter(({ state }) => state === 'ended' || state === 'gone')
      const said = await ask(scene, api, request(userId, scene))
      if (said?.how !== 'yes') return
      const shown = new Set(idsIn(said.body))
      if (shown.size > LIMIT) scene.findings.push(`${scene.note}: shows ${shown.size} sessions of ${userId}`)
      for (const { id, state, note } of over) {
        if (shown.has(id) || shown.has(numberOf(id)))
          scene.findings.push(`${scene.note}: shows ${id}, which was ${state} (${note})`)
      }
    },
  }
}

export function end(
  name: string,
  api: Api,
  kind: Session['kind'],
  reason: string,
  request: (session: Session, scene: Scene) => Ask,
): Act {
  return {
    name,
    kind: 'end',
    on: kind,
    async run(scene, _userId, session) {
      scene.ledger.ending(session, reason, scene.note)
      const said = await ask(scene, api, request(session, scene))
      if (said?.how === 'yes') scene.ledger.ended(session)
    },
  }
}

interface EndAll {
  /** But the session that it is done with. */
  readonly spares?: boolean
  /** It is promised, and done by and by. */
  readonly later?: boolean
  /** The user can open none until this is asked, and is at once. */
  readonly until?: (userId: string, scene: Scene) => Ask
}

/** Ends all that a user has. */
export function endAll(
  name: string,
  api: Api,
  reasons: readonly string[],
  request: (userId: string, scene: Scene, session: Session) => Ask,
  { spares = false, later = false, until }: EndAll = {},
): Act {
  return {
    name,
    kind: 'end',
    on: spares ? 'web' : null,
    async run(scene, userId, session) {
      const { ledger } = scene
      const sweep = ledger.sweep(userId, reasons, scene.note, spares ? session : undefined)
      if (until !== undefined) ledger.disabled.add(sweep.who)
      const said = await ask(scene, api, request(userId, scene, session))
      // What was refused or not answered may come later.
      if (said?.how !== 'yes') return
      if (later) return sweep.promised()
      sweep.done()
      if (until !== undefined && (await ask(scene, api, until(userId, scene)))?.how !== 'yes') return
      ledger.disabled.delete(sweep.who)
      sweep.over()
    },
  }
}

interface Life {
  readonly make: (scene: Scene) => Ask
  /** Of what was made. */
  readonly look: (made: Said, scene: Scene) => Ask
  readonly remove: (made: Said, scene: Scene) => Ask
}

/** Something is made and taken away: it is there until that is asked for, and is not once it is acknowledged. */
export function life(name: string, api: Api, { make, look, remove }: Life): Act {
  return {
    name,
    kind: 'rules',
    on: null,
    async run(scene) {
      const is = async (how: 'yes' | 'no', request: Ask) => (await ask(scene, api, request))?.how === how
      const wrong = (what: string) => void scene.findings.push(`${scene.note}: what was made ${what}`)
      const made = await ask(scene, api, make(scene))
      if (made?.how !== 'yes') return
      if (await is('no', look(made, scene))) wrong('is not there')
      if (!(await is('yes', remove(made, scene)))) return
      if (await is('yes', look(made, scene))) wrong('is there, though it was taken away')
    },
  }
}

/** Sets a rule to some value. */
export function rule(
  name: string,
  api: Api,
  of: 'config' | 'user',
  values: readonly number[],
  request: (value: number, userId: string, scene: Scene) => Ask,
): Act {
  return {
    name,
    kind: 'rules',
    on: null,
    async run(scene, userId) {
      const value = values[Math.floor(scene.random() * values.length)] ?? 0
      const done = scene.ledger.changing(of === 'config' ? 'config' : userId, String(value))
      if ((await ask(scene, api, request(value, userId, scene)))?.how === 'yes') done()
    },
  }
}

/** As src/domain/session-id.ts has it. */
export function numberOf(id: string): number {
  return parseInt(id.slice(22, 23) + id.slice(24), 16)
}

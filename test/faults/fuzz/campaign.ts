/** Requests by the thousand, in worlds of some hundred each, and what was found. */
import fc from 'fast-check'
import { DOCUMENTS } from '../../support/document-paths.ts'
import { type Caller, LIMIT } from '../mix/store.ts'
import { readAnswer } from '../mix/words.ts'
import { type Document, type Operation, operationsOf } from './operations.ts'
import { anyRequest, type HostileRequest } from './requests.ts'
import { contradictions, deadOf, differences, type Rows, rowsOfStore, settledRows } from './state.ts'
import { type Answer, findingIn, show } from './verdict.ts'
import { makeBystander, makeWorld, type World } from './world.ts'

/** The service, and the two ways to it. */
export interface Target {
  readonly origin: string
  readonly operator: string
  readonly call: Caller
  /** Null: it cannot be sent so, or nobody waits for the answer. */
  readonly send: (request: HostileRequest) => Promise<Answer | null>
  readonly rows: Rows
  /** What else has gone wrong since it was last asked. */
  readonly troubles: () => readonly string[]
}

export interface Report {
  readonly seed: number
  requests: number
  /** How many answers had a status. */
  readonly statuses: Map<number, number>
  readonly operations: Set<string>
  /** After how many refusals the caller's own store was looked at. */
  refusals: number
  readonly findings: string[]
}

/** How many requests a store lives through: by and by they end and delete what they are made with. */
const A_WORLD = 120
/** Of these one has a body. */
const SAMPLES = 20
/** One in so many has the own store looked at before and after: a refusal must leave it as it is. */
const WATCHED = 20
/** How long the database may be behind the objects, in tries a tenth of a second apart. */
const PATIENCE = 100

/** Sends so many requests. What goes wrong is made smaller as far as it still goes wrong. */
export async function campaign(target: Target, seed: number, requests: number): Promise<Report> {
  const report: Report = {
    seed,
    requests: 0,
    statuses: new Map(),
    operations: new Set(),
    refusals: 0,
    findings: [],
  }
  const documents = await documentsOf(target)
  for (let round = 0; report.requests < requests; round += 1) {
    // Its sessions end by themselves, after an hour.
    const bystander = await makeBystander(target.call, target.operator)
    await settled(target, bystander.sessions)
    const before = await rowsOfStore(target.rows, bystander.identityStoreId)
    const world = await makeWorld(target.call, target.operator, target.origin, bystander)
    const named = Object.assign({}, ...documents.map(({ components }) => components.schemas))
    const any = anyRequest(documents.flatMap(operationsOf), world, { named, known: world.known })
    // Once something was found, what makes it smaller is looked at each time.
    let broken = false
    const property = fc.asyncProperty(any, async (request) => {
      const own = () => settledRows(target.rows, world.identityStoreId)
      const quiet = report.requests % WATCHED === 0 || broken ? await own() : null
      const answer = await target.send(request)
      report.requests += 1
      if (answer !== null) note(report, request.operation, answer)
      const finding = answer === null ? null : findingIn(request, answer, bystander.marks)
      const found = [...(finding === null ? [] : [finding]), ...target.troubles()]
      if (quiet !== null && answer !== null && isRefusal(request.operation, answer)) {
        report.refusals += 1
        found.push(...differences(quiet, await own()))
      }
      broken ||= found.length > 0
      if (found.length > 0) throw new Error(found.join('\n'))
    })
    const numRuns = Math.min(A_WORLD, requests - report.requests)
    const details = await fc.check(property, { seed: seed + round, numRuns })
    if (details.failed) {
      const [smallest] = details.counterexample ?? []
      report.findings.push(
        `seed ${seed + round}: ${String(details.errorInstance)}\n${smallest === undefined ? '' : show(smallest)}`,
      )
    }
    await crowd(target, world)
    report.findings.push(
      ...differences(before, await rowsOfStore(target.rows, bystander.identityStoreId)),
      ...(await deadOf(target.call, bystander)),
      ...(await settledContradictions(target, world)),
    )
  }
  return report
}

/** A body of each operation stops in its middle, all at the same time: nobody may wait for it for long. */
export async function stall(target: Target, seed: number): Promise<readonly string[]> {
  const documents = await documentsOf(target)
  const bystander = await makeBystander(target.call, target.operator)
  const world = await makeWorld(target.call, target.operator, target.origin, bystander)
  const named = Object.assign({}, ...documents.map(({ components }) => components.schemas))
  const operations = documents.flatMap(operationsOf).filter(({ body }) => body !== null)
  const findings = operations.map(async (operation) => {
    const any = anyRequest([operation], world, { named, known: world.known })
    const given = fc.sample(any, { seed, numRuns: SAMPLES }).find(({ body }) => body !== null && body.length > 1)
    if (given === undefined) return []
    const request = { ...given, delivery: 'stalled' } as const
    const answer = await target.send(request)
    const finding = answer === null ? null : findingIn(request, answer, bystander.marks)
    return finding === null ? [] : [`${finding}\n${show(request)}`]
  })
  return (await Promise.all(findings)).flat()
}

const REFUSALS = new Set([400, 401, 403, 404, 405, 415])

/** Whether an answer says that nothing was done. */
function isRefusal({ api }: Operation, answer: Answer): boolean {
  // Slack says it in the body, which the answer to HEAD has not.
  if (api === 'Slack') return answer.text !== '' && readAnswer(api, answer).how === 'no'
  return REFUSALS.has(answer.status)
}

/** Signs a user in more often than it may be signed in, if what it is done with is still good. */
async function crowd({ call }: Target, { carriers, sessions }: World): Promise<void> {
  const bearer = carriers.credential?.[0]?.headers[0]?.[1].replace('Bearer ', '') ?? ''
  const json = { user_id: sessions[2]?.userId, client: { address: '192.0.2.1', user_agent: 'Crowd/1.0' } }
  for (let opened = 0; opened <= LIMIT; opened += 1) {
    const answer = await call({ method: 'POST', path: '/sessions', bearer, json }).catch(() => null)
    if (answer === null) return
  }
}

async function documentsOf({ call }: Target): Promise<readonly Document[]> {
  const asked = DOCUMENTS.map((path) => call({ method: 'GET', path }))
  return (await Promise.all(asked)).map(({ body }) => body)
}

function note(report: Report, { id }: Operation, { status }: Answer): void {
  report.operations.add(id)
  report.statuses.set(status, (report.statuses.get(status) ?? 0) + 1)
}

/** Waits until D1 knows of the sessions. */
async function settled({ rows }: Target, sessions: readonly { readonly id: string }[]): Promise<void> {
  for (let tries = 0; tries < PATIENCE; tries += 1) {
    const known = await rows.all(
      'SELECT session_id FROM sessions WHERE session_id IN (SELECT value FROM json_each(?))',
      JSON.stringify(sessions.map(({ id }) => id)),
    )
    if (known.length === sessions.length) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('D1 knows nothing of the sessions')
}

/** The mirror comes after the answer: what contradicts it must go by itself. */
async function settledContradictions(target: Target, world: World) {
  for (let tries = 0; ; tries += 1) {
    const found = await contradictions(target.rows, target.call, world)
    if (found.length === 0 || tries === PATIENCE) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

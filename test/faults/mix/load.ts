/** Acts of all APIs, some at the same time, drawn at random. */
import type { Act, Scene } from './act.ts'
import { ACTS } from './acts.ts'
import type { Session } from './ledger.ts'

/** One act, on somebody, or on a session that may be alive; where there is none, one is opened. */
export async function perform(
  scene: Scene,
  act: Act,
  userIds: readonly string[] = scene.store.memberIds,
): Promise<void> {
  const userId = pick(scene, userIds)
  const session = act.on === null ? undefined : sessionFor(scene, act, userIds)
  const [opening] = ACTS
  if (act.on === null || session !== undefined) return act.run(scene, session?.userId ?? userId, session ?? NOBODY)
  return opening?.run({ ...scene, note: `${scene.note}, first ${opening.name}` }, userId, NOBODY)
}

/** How many are drawn before all are looked through. */
const DRAWS = 20

/** Of ten looks one is at a session that is over: it must not be alive. */
function sessionFor(scene: Scene, { on, kind }: Act, userIds: readonly string[]): Session | undefined {
  const over = kind === 'check' && scene.random() < 0.1
  const fits = ({ kind: its, userId, state }: Session) =>
    its === on && (its === 'api' || userIds.includes(userId)) && over === (state === 'ended' || state === 'gone')
  const { drawn } = scene.ledger
  for (let draws = 0; draws < DRAWS && drawn.length > 0; draws += 1) {
    const session = pick(scene, drawn)
    if (fits(session)) return session
  }
  const all = [...scene.ledger.sessions.values()].filter(fits)
  return all.length === 0 ? undefined : pick(scene, all)
}

export interface Load {
  readonly atOnce: number
  /** So many at most. */
  readonly acts: number
  readonly stopped?: () => boolean
  /** How often each kind of act comes. Default: each act as often as any other. */
  readonly weights?: Readonly<Record<Act['kind'], number>>
  /** Which acts. Default: all. */
  readonly of?: readonly Act[]
  /** To whom. Default: all members. */
  readonly userIds?: readonly string[]
}

/** Acts until it is told to stop, so many at a time, each once before any comes again. Answers how many. */
export async function load(scene: Scene, options: Load): Promise<number> {
  const { atOnce, acts, stopped = () => false, weights, of = ACTS, userIds } = options
  let begun = 0
  let order: Act[] = []
  const next = (): Act => {
    if (weights !== undefined) return weighted(scene, weights, of)
    if (order.length === 0) order = shuffled(scene, of)
    return order.pop() as Act
  }
  const work = async () => {
    while (begun < acts && !stopped()) {
      begun += 1
      const act = next()
      await perform({ ...scene, note: `${scene.note}: ${act.name}` }, act, userIds)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return begun
}

function weighted(scene: Scene, weights: Readonly<Record<Act['kind'], number>>, of: readonly Act[]): Act {
  let place = scene.random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
  const kind = Object.entries(weights).find(([, weight]) => {
    place -= weight
    return place < 0
  })?.[0]
  return pick(
    scene,
    of.filter((act) => act.kind === kind),
  )
}

/** For acts that are about nobody's session. */
const NOBODY: Session = { id: '', token: '', userId: '', kind: 'web', state: 'ended', reasons: new Set(), note: '' }

function pick<T>({ random }: Scene, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T
}

function shuffled<T>(scene: Scene, list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, place: scene.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ one }) => one)
}

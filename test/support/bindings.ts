/**
 * What passes between the Worker and its bindings. Tests put interceptors in the way, for counting or for
 * faults; each sees every call of the Worker and of its objects, until its test ends. The last one comes first.
 */
import { env } from 'cloudflare:workers'
import { onTestFinished } from 'vitest'

/** One round trip to D1. A batch is one trip of several statements. */
export interface D1Call {
  readonly to: 'D1'
  /** SQL, one text per statement. */
  readonly statements: readonly string[]
  /** Whether any of them changes anything. */
  readonly writes: boolean
}

/** One operation on KV. */
export interface KvCall {
  readonly to: 'KV'
  readonly method: 'get' | 'put' | 'delete'
  readonly key: string
  readonly value: unknown
}

const KINDS = ['USERS', 'JOBS', 'HASHERS', 'PROFILES', 'ENDPOINTS', 'APPLICATION_SERVER_CALLS'] as const

/** One RPC to a Durable Object. */
export interface ObjectCall {
  readonly to: (typeof KINDS)[number]
  readonly method: string
}

export type BindingCall = D1Call | KvCall | ObjectCall

/** Stands in the way of a call: may look, wait, fail, or answer itself instead of going on. */
export type Interceptor = (call: BindingCall, goOn: () => Promise<unknown>) => Promise<unknown>

const interceptors: Interceptor[] = []
/** The objects that were asked for since, by the binding. */
const reached = new Map<ObjectCall['to'], Map<string, DurableObjectId>>()

/** Puts an interceptor in the way. It leaves when the test ends, or when the returned function is called. */
export function intercept(interceptor: Interceptor): () => void {
  if (interceptors.length === 0) install()
  interceptors.unshift(interceptor)
  const leave = () => {
    const place = interceptors.indexOf(interceptor)
    if (place < 0) return
    interceptors.splice(place, 1)
    if (interceptors.length === 0) uninstall()
  }
  onTestFinished(leave)
  return leave
}

/** A stub whose calls no interceptor sees. */
export function uncountedStub<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  name: string,
): DurableObjectStub<T> {
  return uncounted(namespace, namespace.idFromName(name))
}

/** By the namespace's own method, which no wrapper stands before. */
function uncounted<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  id: DurableObjectId,
): DurableObjectStub<T> {
  const get = Object.getPrototypeOf(namespace).get as typeof namespace.get
  return get.call(namespace, id) as DurableObjectStub<T>
}

/** The objects of a kind that were asked for since interceptors stand in the way; calls through these pass by them. */
export function reachedObjects(to: ObjectCall['to']): DurableObjectStub[] {
  const namespace = env[to] as DurableObjectNamespace<Rpc.DurableObjectBranded>
  return Array.from(reached.get(to)?.values() ?? [], (id) => uncounted(namespace, id))
}

function pass(call: BindingCall, goOn: () => Promise<unknown>): Promise<unknown> {
  const chain = interceptors.reduceRight<() => Promise<unknown>>((next, one) => () => one(call, next), goOn)
  return chain()
}

function install(): void {
  wrapD1()
  wrapKv()
  for (const kind of KINDS) wrapObjects(kind)
}

function uninstall(): void {
  const wrapped: [object, string[]][] = [
    [env.DB, ['prepare', 'batch', 'exec']],
    [env.CONFIG, ['get', 'put', 'delete']],
    ...KINDS.map((kind): [object, string[]] => [env[kind], ['get']]),
  ]
  reached.clear()
  for (const [binding, methods] of wrapped) for (const method of methods) Reflect.deleteProperty(binding, method)
}

function replace(binding: object, method: string, value: (...args: never[]) => unknown): void {
  Object.defineProperty(binding, method, { value, configurable: true, writable: true })
}

type Method = (...args: unknown[]) => Promise<unknown>

function methodOf(target: object, name: string): Method {
  return (Reflect.get(target, name, target) as Method).bind(target)
}

/** The real statement behind a wrapped one, and its SQL. */
const prepared = new WeakMap<object, { readonly statement: D1PreparedStatement; readonly text: string }>()

function wrapD1(): void {
  const [prepare, batch, exec] = [env.DB.prepare.bind(env.DB), env.DB.batch.bind(env.DB), env.DB.exec.bind(env.DB)]
  replace(env.DB, 'prepare', (text: string) => wrapStatement(prepare(text), text))
  replace(env.DB, 'batch', (statements: D1PreparedStatement[]) => {
    const known = statements.map((statement) => prepared.get(statement) ?? { statement, text: '' })
    const goOn = () => batch(known.map(({ statement }) => statement))
    return pass(d1Call(known.map(({ text }) => text)), goOn)
  })
  replace(env.DB, 'exec', (text: string) => pass(d1Call([text]), () => exec(text)))
}

function wrapStatement(statement: D1PreparedStatement, text: string): D1PreparedStatement {
  const wrapped = new Proxy(statement, {
    get(target, name) {
      if (name === 'bind') return (...values: unknown[]) => wrapStatement(target.bind(...values), text)
      const runs = name === 'all' || name === 'run' || name === 'first' || name === 'raw'
      if (!runs) return Reflect.get(target, name, target)
      return (...args: unknown[]) => pass(d1Call([text]), () => methodOf(target, name)(...args))
    },
  })
  prepared.set(wrapped, { statement, text })
  return wrapped
}

function d1Call(statements: readonly string[]): D1Call {
  return { to: 'D1', statements, writes: statements.some((text) => /^\s*(insert|update|delete|replace)\b/i.test(text)) }
}

function wrapKv(): void {
  for (const method of ['get', 'put', 'delete'] as const) {
    const original = methodOf(env.CONFIG, method)
    replace(env.CONFIG, method, (key: string, value: unknown, ...rest: unknown[]) =>
      pass({ to: 'KV', method, key, value: method === 'put' ? value : undefined }, () => original(key, value, ...rest)),
    )
  }
}

function wrapObjects(to: ObjectCall['to']): void {
  const original = methodOf(env[to], 'get') as unknown as (...args: unknown[]) => object
  const ids = new Map<string, DurableObjectId>()
  reached.set(to, ids)
  replace(env[to], 'get', (id: DurableObjectId, ...args: unknown[]) => {
    ids.set(id.toString(), id)
    return new Proxy(original(id, ...args), {
      get(stub, name) {
        const value: unknown = Reflect.get(stub, name, stub)
        if (typeof value !== 'function' || typeof name !== 'string' || name === 'then') return value
        return (...input: unknown[]) => pass({ to, method: name }, async () => Reflect.apply(value, stub, input))
      },
    })
  })
}

// Counts the trips in sequence of a contender's answer, as test/counts.test.ts counts Latchkey's.
import { Trips } from '../trips.ts'

const RUNS = ['all', 'run', 'first', 'raw']

/**
 * Has a request answered twice with bindings that count: what is done once for good is no part of an answer. `handler`
 * makes what answers, of the bindings. The answer is the trips of the second time.
 */
export async function counted(request, env, handler) {
  let trips = new Trips()
  const pass = (party, call) => trips.pass(party, call)
  const bindings = Object.fromEntries(
    Object.entries(env).map(([name, binding]) => {
      if (typeof binding?.prepare === 'function') return [name, countedD1(binding, pass)]
      if (typeof binding?.getWithMetadata === 'function') return [name, countedKv(binding, pass)]
      return [name, binding]
    }),
  )
  const handle = handler(bindings)
  await handle(request.clone())
  trips = new Trips()
  const { status } = await handle(request)
  return Response.json({ status, trips: trips.steps })
}

function countedKv(kv, pass) {
  return proxy(
    kv,
    (_name, call) =>
      (...args) =>
        pass('KV', () => call(...args)),
  )
}

function countedD1(database, pass) {
  const statements = new WeakMap()
  const countedStatement = (statement) => {
    const counting = proxy(statement, (name, call) => {
      if (name === 'bind') return (...values) => countedStatement(call(...values))
      return RUNS.includes(name) ? (...args) => pass('D1', () => call(...args)) : call
    })
    statements.set(counting, statement)
    return counting
  }
  return proxy(database, (name, call) => {
    if (name === 'prepare') return (sql) => countedStatement(call(sql))
    if (name === 'batch') return (all) => pass('D1', () => call(all.map((one) => statements.get(one) ?? one)))
    return name === 'exec' ? (...args) => pass('D1', () => call(...args)) : call
  })
}

/** An object whose methods are replaced. */
function proxy(object, replaced) {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? replaced(name, value.bind(target)) : value
    },
  })
}

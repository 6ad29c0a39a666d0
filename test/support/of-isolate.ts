/** Makes something once in an isolate, for all of its files of tests, each of which loads its own modules. */
export function ofIsolate<T>(name: string, make: () => T): T {
  const key = Symbol.for(`latchkey.${name}`)
  if (!Reflect.has(globalThis, key)) Reflect.set(globalThis, key, make())
  return Reflect.get(globalThis, key) as T
}

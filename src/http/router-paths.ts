/** What itty-router does not do: which methods a path has, and telling apart paths that it takes for the same. */
import type { RouteEntry } from 'itty-router'

/** The path of an absolute URL, as it is written there. */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', start)
  return end < 0 ? url.slice(start) : url.slice(start, end)
}

/** The methods that a path is served with; empty if there is no such path. */
export function allowedMethods(routes: readonly RouteEntry[], pathname: string): string[] {
  const methods = routes.flatMap(([method, pattern]) => (pathname.match(pattern) === null ? [] : [method]))
  return [...new Set(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

/** Whether every percent-escape of a path can be decoded. */
export function isWellFormed(pathname: string): boolean {
  return decodeParameters({ pathname }) !== null
}

/** The decoded parameters of a path; null if one is malformed. */
export function decodeParameters(parameters: Record<string, string>): Record<string, string> | null {
  try {
    return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value)]))
  } catch {
    return null
  }
}

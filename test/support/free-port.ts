/** Ports of this machine that nobody listens on. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** One of those that a system gives to no connection by itself, which might come between this look and the start. */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 30_000)
  return (await isFree(port)) ? port : freePort()
}

export function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** What a runtime holds in memory once its garbage is collected, which it does by itself only when it must. */
import { readFileSync } from 'node:fs'
import { type DirectWorker, NAME } from './direct-worker.ts'

const BYTES_OF_KILOBYTE = 1_024
const WAKE_MILLISECONDS = 100

interface Target {
  readonly id: string
  readonly webSocketDebuggerUrl: string
}

/** Has a Worker's garbage collected by the inspector of its runtime, and measures what is left. Linux only. */
export async function measureMemory(pid: number, { url, inspector }: Pick<DirectWorker, 'url' | 'inspector'>) {
  const answer = await fetch(new URL('/json', inspector.href.replace('ws', 'http')))
  const target = ((await answer.json()) as readonly Target[]).find(({ id }) => id === `core:user:${NAME}`)
  if (target === undefined) throw new Error('no Worker is inspected')
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  const ask = (id: number, method: string) =>
    new Promise<{ readonly usedSize: number }>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data))
        if (message.id === id) resolve(message.result)
      })
      socket.send(JSON.stringify({ id, method }))
    })
  // An isolate that does nothing does not listen to its inspector.
  const waking = setInterval(() => fetch(new URL('/healthz', url)).catch(() => undefined), WAKE_MILLISECONDS)
  await ask(1, 'HeapProfiler.collectGarbage')
  const { usedSize: heapBytes } = await ask(2, 'Runtime.getHeapUsage')
  clearInterval(waking)
  socket.close()
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  /** Of the process, and of the Worker's own objects. */
  return { residentBytes: Number(kilobytes) * BYTES_OF_KILOBYTE, heapBytes }
}

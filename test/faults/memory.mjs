// What a Worker holds in memory once its garbage is collected, which its runtime does by itself only when it must.
import { inspect } from '../../bench/inspector.mjs'
import { residentBytesOfRuntimes } from './crash/server.mjs'
import { NAME } from './direct-worker.ts'

const WAKE_MILLISECONDS = 100

/** Has the garbage collected, and measures the runtime's process and, of it, the Worker's own objects. */
export async function measureMemory({ url, inspector }) {
  const { call, close } = await inspect(inspector.href.replace(/^ws(.*?)\/?$/, 'http$1'), NAME)
  // An isolate that does nothing does not listen to its inspector.
  const waking = setInterval(() => fetch(new URL('/healthz', url)).catch(() => undefined), WAKE_MILLISECONDS)
  await call('HeapProfiler.collectGarbage')
  const { usedSize: heapBytes } = await call('Runtime.getHeapUsage')
  clearInterval(waking)
  close()
  return { residentBytes: residentBytesOfRuntimes(), heapBytes }
}

// The inspector of a workerd, as developer tools speak to it.

/** Opens its protocol for the Worker of a name. Answers the function that calls its methods, and how to end it. */
export async function inspect(origin, worker) {
  const targets = await (await fetch(`${origin}/json`)).json()
  const target = targets.find(({ id }) => id === `core:user:${worker}`)
  if (target === undefined) throw new Error(`no Worker ${worker} is inspected`)
  const socket = new WebSocket(target.webSocketDebuggerUrl.replace('localhost', '127.0.0.1'))
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('the inspector does not answer'))
  })
  const waiting = new Map()
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(data)
    waiting.get(id)?.(result)
    waiting.delete(id)
  }
  let calls = 0
  const call = (method, params) =>
    new Promise((resolve) => {
      calls += 1
      waiting.set(calls, resolve)
      socket.send(JSON.stringify({ id: calls, method, params }))
    })
  return { call, close: () => socket.close() }
}

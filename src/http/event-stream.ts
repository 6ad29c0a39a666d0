/**
 * Passes on what comes on a WebSocket as server-sent events: a JSON message with a `type` is an event of that name.
 * Every `beatMilliseconds` a comment is sent, so that no proxy takes the stream for dead and a reader that has gone is
 * noticed, and `ping` to the WebSocket; neither while the last comment is unread. When one side closes, the other is
 * closed too.
 */
export function eventStream(socket: WebSocket, beatMilliseconds: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let beat: ReturnType<typeof setInterval> | undefined
  let isRead = true
  const leave = () => {
    isRead = false
    clearInterval(beat)
    socket.close()
  }
  const source: UnderlyingByteSource = {
    // Only such a stream goes over a service binding.
    type: 'bytes',
    start(controller) {
      const write = (text: string) => controller.enqueue(encoder.encode(text))
      socket.accept()
      socket.addEventListener('message', ({ data }) => {
        if (typeof data === 'string' && data !== 'pong') write(`event: ${JSON.parse(data).type}\ndata: ${data}\n\n`)
      })
      socket.addEventListener('close', () => {
        if (isRead) controller.close()
        leave()
      })
      beat = setInterval(() => {
        if ((controller.desiredSize ?? 0) < 0) return
        write(': \n\n')
        socket.send('ping')
      }, beatMilliseconds)
      // The reader learns that it is connected.
      write(': \n\n')
    },
    cancel: leave,
  }
  return new ReadableStream(source)
}

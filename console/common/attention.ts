/** Whether somebody is at the page: what it asks while nobody is, is no activity of the session. */

/** A question this long after a key or a click is still that person's. */
const ATTENTION_MILLISECONDS = 4_000
let lastInputAt = Date.now()

for (const event of ['pointerdown', 'keydown'] as const) {
  addEventListener(
    event,
    () => {
      lastInputAt = Date.now()
    },
    { capture: true, passive: true },
  )
}

/** What the header `Latchkey-Console` says of a request that only reads. */
export function whoAsks(): '1' | 'poll' {
  return Date.now() - lastInputAt < ATTENTION_MILLISECONDS ? '1' : 'poll'
}

/** What is billed as written: rows in D1 and in the objects' SQLite, indexes included, and alarms. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import { userObject } from './objects.ts'

/** Rows since `meterRows`. */
export interface Meters {
  /** As D1's metadata says. */
  readonly d1Rows: number
  /** As the cursors of the objects' SQLite say. */
  readonly objectRows: number
  /** Alarms set: one more row each. */
  readonly alarms: number
}

/** Meters every object and all of D1 until the test ends, from inside the platform's own classes. */
export async function meterRows(): Promise<Meters> {
  const cursors: { readonly rowsWritten: number }[] = []
  const rows = { d1Rows: 0, alarms: 0 }
  const anyObject = userObject({ identityStoreId: 'meters', userId: 'none' })
  await runInDurableObject(anyObject, (_object, { storage }) => {
    const sql: SqlStorage = Object.getPrototypeOf(storage.sql)
    const { exec } = sql
    vi.spyOn(sql, 'exec').mockImplementation(function (this: SqlStorage, query, ...bindings) {
      const cursor = exec.call(this, query, ...bindings)
      cursors.push(cursor)
      return cursor
    })
    const durable: DurableObjectStorage = Object.getPrototypeOf(storage)
    const { setAlarm } = durable
    vi.spyOn(durable, 'setAlarm').mockImplementation(function (this: DurableObjectStorage, ...when) {
      rows.alarms += 1
      return setAlarm.apply(this, when)
    })
  })
  // Every statement, also one that answers bare rows, is sent here; each has metadata of its own.
  type Sender = { _sendOrThrow: (...query: unknown[]) => Promise<{ meta: D1Meta } | { meta: D1Meta }[]> }
  const sender: Sender = Object.getPrototypeOf(Reflect.get(env.DB, 'alwaysPrimarySession'))
  const send = sender._sendOrThrow
  vi.spyOn(sender, '_sendOrThrow').mockImplementation(async function (this: Sender, ...query) {
    const answer = await send.apply(this, query)
    for (const { meta } of [answer].flat()) rows.d1Rows += meta.rows_written
    return answer
  })
  return {
    get d1Rows() {
      return rows.d1Rows
    },
    get alarms() {
      return rows.alarms
    },
    get objectRows() {
      return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)
    },
  }
}

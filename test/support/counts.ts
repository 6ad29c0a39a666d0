/** What an operation costs: calls of objects, statements of D1, operations of KV. */
import { intercept } from './bindings.ts'

/** Counts since `countCalls`. */
export interface Counts {
  /** Calls of users' objects and of password hashers. */
  objectCalls: number
  /** Calls of the stores' jobs. */
  jobCalls: number
  /** Statements, also those in a batch. */
  d1Statements: number
  /** Round trips to D1: a batch is one. */
  d1Trips: number
  /** As D1 reports them; statements that drizzle reads as bare rows report nothing. */
  d1RowsRead: number
  d1RowsWritten: number
  kvReads: number
  kvWrites: number
}

/** Counts until the test ends. Read the fields at any time; what runs after the answer keeps counting. */
export function countCalls(): Counts {
  const counts: Counts = {
    objectCalls: 0,
    jobCalls: 0,
    d1Statements: 0,
    d1Trips: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    kvReads: 0,
    kvWrites: 0,
  }
  intercept(async (call, goOn) => {
    switch (call.to) {
      case 'USERS':
      case 'HASHERS':
        counts.objectCalls += 1
        break
      case 'JOBS':
        counts.jobCalls += 1
        break
      case 'KV':
        if (call.method === 'get') counts.kvReads += 1
        else counts.kvWrites += 1
        break
      case 'D1':
        counts.d1Statements += call.statements.length
        counts.d1Trips += 1
    }
    const answer = await goOn()
    for (const { meta } of call.to === 'D1' ? [answer].flat().filter(hasMeta) : []) {
      counts.d1RowsRead += meta.rows_read
      counts.d1RowsWritten += meta.rows_written
    }
    return answer
  })
  return counts
}

function hasMeta(answer: unknown): answer is { meta: D1Meta } {
  return typeof answer === 'object' && answer !== null && 'meta' in answer
}

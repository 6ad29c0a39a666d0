/** Faults of D1, KV and objects: they fail, hang or are slow, until the test ends or the fault is repaired. */
import { runInDurableObject } from 'cloudflare:test'
import { vi } from 'vitest'
import { EventEndpoint } from '../../src/events/event-endpoint.ts'
import { UserProfiles } from '../../src/identity/user-profiles.ts'
import { StoreJobs } from '../../src/sessions/jobs/store-jobs.ts'
import { UserSessions } from '../../src/sessions/object/user-sessions.ts'
import { type BindingCall, intercept } from './bindings.ts'
import { userObject } from './objects.ts'

/** What goes wrong, and with which calls. */
export interface Fault {
  /**
   * `fail`: an error. `hang`: no answer ever. A number: the answer comes so many milliseconds later. A function: is done,
   * and the call goes on.
   */
  readonly how?: 'fail' | 'hang' | number | (() => unknown)
  /** `before`: nothing was done (default). `after`: it was done, and the caller does not learn of it. */
  readonly when?: 'before' | 'after'
  /** Only calls for which this holds, such as `({ writes }) => writes`. */
  readonly only?: (call: BindingCall) => boolean
  /** Only so many calls; then all is well again. Default: all. */
  readonly times?: number
}

/** A fault in force. */
export interface OngoingFault {
  /** How many calls it has hit. */
  readonly hits: number
  /** Ends it. */
  repair(): void
}

/** Breaks D1. */
export function breakD1(fault: Fault = {}): OngoingFault {
  return inject((call) => call.to === 'D1', 'D1_ERROR: Network connection lost.', fault)
}

const changesD1 = (call: BindingCall) => call.to === 'D1' && call.writes

/** Breaks what D1 is asked to change; it can still be read. */
export function breakD1Writes(fault: Omit<Fault, 'only'> = {}): OngoingFault {
  return breakD1({ ...fault, only: changesD1 })
}

/** D1 has no room for anything more; it can still be read. */
export function fillD1(): OngoingFault {
  return inject(changesD1, 'D1_ERROR: Exceeded maximum DB size: SQLITE_FULL', {})
}

/** Breaks the statements of D1 whose SQL matches. */
export function breakD1Statements(pattern: RegExp, fault: Omit<Fault, 'only'> = {}): OngoingFault {
  return breakD1({ ...fault, only: (call) => call.to === 'D1' && call.statements.some((text) => pattern.test(text)) })
}

/** Breaks KV. */
export function breakKv(fault: Fault = {}): OngoingFault {
  return inject((call) => call.to === 'KV', 'KV: internal error', fault)
}

/** Breaks the way to the users' objects. */
export function breakUserObjects(fault: Fault = {}): OngoingFault {
  return inject((call) => call.to === 'USERS', 'Durable Object: network connection lost.', fault)
}

/** Breaks the way to the stores' jobs. */
export function breakStoreJobs(fault: Fault = {}): OngoingFault {
  return inject((call) => call.to === 'JOBS', 'Durable Object: network connection lost.', fault)
}

/** Breaks the way to the password hashers. */
export function breakHashers(fault: Fault = {}): OngoingFault {
  return inject((call) => call.to === 'HASHERS', 'Durable Object: network connection lost.', fault)
}

/** Breaks the way to anything. */
export function breakAnything(fault: Fault = {}): OngoingFault {
  return inject(() => true, 'Network connection lost.', fault)
}

/**
 * Breaks the alarms of all objects: one that is set is `lost`, or comes an hour `late`; or each comes `twice` at the same
 * time.
 */
export async function breakAlarms(how: 'lost' | 'late' | 'twice'): Promise<{ repair(): void }> {
  if (how === 'twice') {
    const spies = [UserSessions, UserProfiles, StoreJobs, EventEndpoint].map(({ prototype }) => {
      const { alarm } = prototype
      return vi.spyOn(prototype, 'alarm').mockImplementation(async function (this: UserSessions) {
        await Promise.all([alarm.call(this), alarm.call(this)])
      })
    })
    return { repair: () => void spies.map((spy) => spy.mockRestore()) }
  }
  const storage = await runInDurableObject(userObject(NOBODY), (_object, state) => Object.getPrototypeOf(state.storage))
  const { setAlarm } = storage
  const spy = vi.spyOn(storage, 'setAlarm').mockImplementation(async function (this: DurableObjectStorage, at) {
    if (how === 'late') await setAlarm.call(this, Number(at) + 3_600_000)
  })
  return { repair: () => spy.mockRestore() }
}

const NOBODY = { identityStoreId: 'faults', userId: 'nobody' }

function inject(concerns: (call: BindingCall) => boolean, message: string, fault: Fault): OngoingFault {
  const { how = 'fail', when = 'before', only = () => true, times = Number.POSITIVE_INFINITY } = fault
  let hits = 0
  const repair = intercept(async (call, goOn) => {
    if (hits >= times || !concerns(call) || !only(call)) return goOn()
    hits += 1
    const answer = when === 'after' ? await goOn() : undefined
    if (how === 'fail') throw new Error(message)
    if (how === 'hang') return new Promise(() => {})
    await (typeof how === 'number' ? scheduler.wait(how) : how())
    return when === 'after' ? answer : goOn()
  })
  return {
    get hits() {
      return hits
    },
    repair,
  }
}

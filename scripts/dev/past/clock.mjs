// A clock that is behind by as much as it is told, for everything of the runtime that loads this before it asks for the
// time. It is never set back.
import { LONG_AGO_MILLISECONDS } from './instant.mjs'

const RealDate = Date
const MINUTE_MILLISECONDS = 60_000

let behindMilliseconds = LONG_AGO_MILLISECONDS

class DateBehind extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [DateBehind.now()] : args))
  }

  static now() {
    return RealDate.now() - behindMilliseconds
  }
}
globalThis.Date = DateBehind

/** Sets the clock on to an instant, in epoch milliseconds; not beyond the true one. */
export function setClock(at) {
  behindMilliseconds = Math.max(0, Math.min(behindMilliseconds, RealDate.now() - at))
}

/**
 * A class of objects whose alarms come: the runtime goes by the true clock, to which all that is due in the past is due
 * now. What is due within a minute comes then; the rest when it truly is, in a minute at the earliest.
 */
export function withAlarms(Objects) {
  return class extends Objects {
    constructor(ctx, env) {
      const { storage } = ctx
      const { setAlarm } = storage
      storage.setAlarm = (at) => {
        const soonest = RealDate.now() + Math.min(at - Date.now(), MINUTE_MILLISECONDS)
        return setAlarm.call(storage, Math.max(at, soonest))
      }
      super(ctx, env)
    }
  }
}

/** What every log line says beside its own words. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** What a log line is to say of where it comes from: a request, or an object. Set where work begins. */
export const logContext = new AsyncLocalStorage<Readonly<Record<string, string>>>()

// What those who fill the demo store, and the Worker that they fill it with, agree on.

const HOUR_MILLISECONDS = 3_600_000

/** The instant of a request, in epoch milliseconds: the Worker's clock is set on to it. */
export const INSTANT_HEADER = 'latchkey-demo-instant'
/** How long ago there is nothing yet. */
export const LONG_AGO_MILLISECONDS = 28 * HOUR_MILLISECONDS

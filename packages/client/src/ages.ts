/** Throws a `RangeError` for an age that the service does not take. */
export function requireAge(maxAge: number | undefined): void {
  if (maxAge === undefined || (Number.isInteger(maxAge) && maxAge >= 0 && maxAge <= 60)) return
  throw new RangeError(`maxAge: ${maxAge} is no whole number of seconds from 0 to 60.`)
}

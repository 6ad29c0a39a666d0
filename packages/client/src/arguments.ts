/** Throws a `RangeError` for an age that the service does not take. */
export function requireAge(maxAge: number | undefined): void {
  if (maxAge === undefined || (Number.isInteger(maxAge) && maxAge >= 0 && maxAge <= 60)) return
  throw new RangeError(`maxAge: ${maxAge} is not 0 to 60 whole seconds.`)
}

/** Throws a `RangeError` for an idempotency key that the service does not take. */
export function requireKey(key: string | undefined): void {
  if (key === undefined || /^[ !#-[\]-~]{1,255}$/.test(key)) return
  throw new RangeError(`idempotencyKey: ${key} is not 1 to 255 ASCII characters without quotes.`)
}

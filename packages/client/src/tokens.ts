/**
 * Whether it can be a token at all: the service reads 4 096 characters at most. What a browser sends as a cookie may be
 * anything, and nobody is asked about that.
 */
export function canBeToken(text: string | null | undefined): text is string {
  return typeof text === 'string' && /^[\w.~+/=-]{1,4096}$/.test(text)
}

/** Longest token that the service reads, in characters. */
const MAX_TOKEN_LENGTH = 4_096

/** Whether it can be a token at all. What a browser sends as a cookie may be anything, and nobody is asked about that. */
export function canBeToken(text: string | null | undefined): text is string {
  return typeof text === 'string' && text.length <= MAX_TOKEN_LENGTH && /^[\w.~+/=-]+$/.test(text)
}

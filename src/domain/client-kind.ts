/** What kind of client a user agent speaks for. Pure. */

/** `mobile`: a phone or a tablet, its apps and its browsers. `web`: everything else, also what does not say. */
export type ClientKind = 'mobile' | 'web'

/** Marks that mobile browsers, mobile systems and their HTTP libraries put into user agents. */
const MOBILE =
  /\b(?:Mobile|Mobi|Android|iPhone|iPad|iPod|iOS|Windows Phone|BlackBerry|BB10|webOS|okhttp)\b|Opera M(?:ini|obi)/i

/** The kind of a client by its user agent; one that sends none counts as `web`. */
export function clientKind(userAgent: string | null): ClientKind {
  return userAgent !== null && MOBILE.test(userAgent) ? 'mobile' : 'web'
}

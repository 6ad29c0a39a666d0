/** The headers that every answer has. */

const FIXED = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // A page that permission was given to asks by CORS; no other has anything of these answers.
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // Also without an origin: a cache must not hand that answer to a page that needs permission to read it.
  vary: 'Origin',
}
const ON_HTTPS = { ...FIXED, 'strict-transport-security': 'max-age=63072000; includeSubDomains' }

/** What every answer to a request has. */
export type CommonHeaders = Readonly<Record<string, string>> & { readonly 'x-request-id': string }

export function commonHeaders(request: Request, requestId: string): CommonHeaders {
  return { 'x-request-id': requestId, ...(request.url.startsWith('https:') ? ON_HTTPS : FIXED) }
}

const built = new WeakSet<Response>()

/** An answer with the common headers and its own. To build it so costs less than to give it one header at a time. */
export function respond(
  body: string,
  status: number,
  common: CommonHeaders,
  headers: Readonly<Record<string, string>>,
): Response {
  const response = new Response(body, { status, headers: { ...common, ...headers } })
  built.add(response)
  return response
}

/** Gives an answer the headers that it was not built with. */
export function complete(response: Response, common: CommonHeaders): Response {
  if (built.has(response)) return response
  const { headers } = response
  for (const [name, value] of Object.entries(common)) {
    if (name === 'vary') headers.append(name, value)
    else headers.set(name, value)
  }
  return response
}

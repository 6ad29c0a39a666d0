/** The headers that every answer has. */

const FIXED = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  // Also without an origin: a cache must not hand that answer to a page that needs permission to read it.
  vary: 'Origin',
}
const ON_HTTPS = { ...FIXED, 'strict-transport-security': 'max-age=63072000; includeSubDomains' }

/** What every answer to a request has. An answer that is built with these need not be completed. */
export type CommonHeaders = Readonly<Record<string, string>> & { readonly 'x-request-id': string }

export function commonHeaders(request: Request, requestId: string): CommonHeaders {
  return { 'x-request-id': requestId, ...(request.url.startsWith('https:') ? ON_HTTPS : FIXED) }
}

/** Gives an answer the headers that it was not built with. */
export function complete(response: Response, common: CommonHeaders): Response {
  const { headers } = response
  // One header at a time costs a frequent answer more than all that is in them.
  if (headers.get('x-request-id') === common['x-request-id']) return response
  for (const [name, value] of Object.entries(common)) {
    if (name === 'vary') headers.append(name, value)
    else headers.set(name, value)
  }
  return response
}

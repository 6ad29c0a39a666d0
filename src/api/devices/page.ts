/** The frame of every page: one document, one stylesheet, not a byte of script, and a policy that allows no more. */
import { respond } from '../../http/common-headers.ts'
import type { RequestContext } from '../context.ts'
import { Html, type HtmlValue, html } from './html.ts'
import { STYLE, STYLE_SOURCE } from './style.ts'

export interface Page {
  readonly title: string
  /** Above the main part. */
  readonly header?: Html
  readonly main: HtmlValue
  /** Whether it is no wider than a form. */
  readonly narrow?: true
  /** Default: 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** The other origin to which the answer to its form may lead; browsers hold redirects to the form's own policy. */
  readonly formLeadsTo?: string | null
}

/** A page that no cache may keep. */
export function pageResponse(page: Page, context: RequestContext): Response {
  const { title, header = null, main, narrow, status = 200, headers } = page
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} · Latchkey</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${header}
<main${narrow ? html` class="narrow"` : null}>
${main}
</main>
</body>
</html>
`.text
  return respond(text, status, context.headers, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy(page.formLeadsTo ?? null),
    // With `no-referrer`, browsers send forms with `Origin: null`, and nobody could tell whose page they come from.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  })
}

function policy(formLeadsTo: string | null): string {
  const targets = formLeadsTo === null ? "'self'" : `'self' ${formLeadsTo}`
  return `default-src 'none'; style-src ${STYLE_SOURCE}; form-action ${targets}; base-uri 'none'; frame-ancestors 'none'`
}

/**
 * The answer to a form that was acted on: 303, so that loading the page again does not send the form again. The APIs
 * never redirect, since their clients are programs; a form's client is a browser, which expects it.
 */
export function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } })
}

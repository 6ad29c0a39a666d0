/** The pages that users look at themselves: signing in, and their devices. Server-rendered; forms, and no script. */
import { z } from 'zod'
import { type Api, type ErrorDescriptions, type Route, route } from '../route.ts'
import { changeDevices, showDevices } from './devices.ts'
import { renderBug, renderError } from './errors.ts'
import { DevicesForm, DevicesQuery, SignInForm, SignInQuery } from './schemas.ts'
import { showSignIn, signIn, signOut } from './sign-in.ts'

const form = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/x-www-form-urlencoded'] })

const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/sign-in',
    operationId: 'signInPage',
    summary: 'A page to sign in on. Where a session has ended, it says why.',
    security: ['none'],
    query: SignInQuery,
    responses: { 200: { description: 'The web page.' } },
    handle: showSignIn,
  }),
  route({
    method: 'POST',
    path: '/sign-in',
    operationId: 'signInByForm',
    summary: 'Sign in with the form of that page.',
    security: ['none'],
    query: SignInQuery,
    body: form(SignInForm),
    responses: { 303: { description: 'Signed in, with the cookie; leads on to `return_to`, else to `/devices`.' } },
    errors: {
      401: 'The user name or the password is wrong.',
      409: 'There are as many sessions as allowed; the form asks which are to end.',
      429: 'Too many attempts; try again after `Retry-After`.',
    },
    handle: signIn,
  }),
  route({
    method: 'POST',
    path: '/sign-out',
    operationId: 'signOutByForm',
    summary: 'Sign out with the button of the page of devices.',
    security: ['session_cookie', 'none'],
    responses: { 303: { description: 'The user is signed out; leads to `/sign-in`.' } },
    handle: signOut,
  }),
  route({
    method: 'GET',
    path: '/devices',
    operationId: 'devicesPage',
    summary: "A page of the user's own devices: where it is signed in, and what has ended in 28 days, and why.",
    security: ['session_cookie'],
    query: DevicesQuery,
    responses: { 200: { description: 'The web page.' } },
    handle: showDevices,
  }),
  route({
    method: 'POST',
    path: '/devices',
    operationId: 'endByForm',
    summary: 'End one session, or all others, with a form of that page.',
    security: ['session_cookie'],
    body: form(DevicesForm),
    responses: { 303: { description: 'Done; leads to `/devices`.' } },
    errors: {
      403: 'The sign-in is too old, and the page asks for another; or the form came from a foreign page.',
      404: 'The user has no such other session.',
    },
    handle: changeDevices,
  }),
]

const page = z.string()
const notSignedIn: ErrorDescriptions = { 401: 'Not signed in: the page is the sign-in form.', 503: 'Try again later.' }

export const devicesApi: Api = {
  name: 'Pages',
  base: '',
  routes,
  territory: [],
  trailingSlash: 'never',
  renderError,
  renderBug,
  errors: {
    schemaOf: () => page,
    mediaType: 'text/html',
    unsafe: { 403: 'The form came from a foreign page.' },
    query: { 400: 'A parameter came twice.' },
    body: {
      400: 'The form is malformed.',
      408: 'The body broke off or came too slowly.',
      413: 'The body is too large.',
      415: 'The body is no form.',
    },
    security: { session_cookie: notSignedIn },
  },
}

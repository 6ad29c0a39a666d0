/** The Slack API: `POST /api/<method>`. What only reads may be asked with GET too. */
import type { z } from 'zod'
import type { Api, Handler, Route } from '../route.ts'
import { testApi, testAuth } from './connection.ts'
import { renderBug, renderError } from './errors.ts'
import { adminHandler, type Method, openHandler, tokenHandler } from './method.ts'
import * as schemas from './schemas.ts'
import { invalidate, reset, resetBulk } from './session-ends.ts'
import { list } from './session-list.ts'
import { clearSettings, getSettings, setSettings } from './session-settings.ts'

const MEDIA_TYPES = ['application/x-www-form-urlencoded', 'application/json', 'multipart/form-data', 'text/plain']

interface Documentation {
  readonly name: string
  readonly summary: string
  readonly input: z.ZodObject
  readonly answer: z.ZodType
  readonly security: Route['security']
  readonly limited: boolean
}

/** The routes of a method: always POST, and GET where `reads`. */
function routesOf(documentation: Documentation, reads: boolean, handle: Handler): Route[] {
  const { name, summary, input, answer, security, limited } = documentation
  const shape = security.includes('none') ? input : schemas.Common.extend(input.shape)
  const route = {
    path: `/${name}`,
    operationId: name.replaceAll('.', '_'),
    summary,
    security,
    answers: {
      200: { description: 'Done, or refused with `ok: false`.', schema: answer.or(schemas.RefusalBody) },
      ...(limited ? { 429: { description: '`ratelimited`; see `Retry-After`.', schema: schemas.RefusalBody } } : {}),
    },
    handle,
  } as const
  const post: Route = { ...route, method: 'POST', body: { schema: shape, mediaTypes: MEDIA_TYPES } }
  if (!reads) return [post]
  return [post, { ...route, method: 'GET', operationId: `${route.operationId}_get`, query: input }]
}

function admin<Input>(
  method: Method<Input>,
  summary: string,
  answer: z.ZodType = schemas.DoneBody,
  input: z.ZodObject = method.schema as unknown as z.ZodObject,
): Route[] {
  const documentation = { name: method.name, summary, input, answer, security: ['credential'], limited: true } as const
  return routesOf(documentation, method.scope === 'admin.users:read', adminHandler(method))
}

const READ = 'admin.users:read'
const WRITE = 'admin.users:write'

const routes: readonly Route[] = [
  ...admin(
    {
      name: 'admin.users.session.setSettings',
      scope: WRITE,
      tier: 'tier4',
      schema: schemas.SetSettingsArguments,
      act: setSettings,
    },
    'Set session settings of up to 1 000 users, of all or of none. Live sessions follow at once.',
  ),
  ...admin(
    {
      name: 'admin.users.session.getSettings',
      scope: READ,
      tier: 'tier4',
      schema: schemas.UsersArguments,
      act: getSettings,
    },
    'Session settings of users.',
    schemas.SettingsBody,
  ),
  ...admin(
    {
      name: 'admin.users.session.clearSettings',
      scope: WRITE,
      tier: 'tier4',
      schema: schemas.UsersArguments,
      act: clearSettings,
    },
    "Clear session settings of users: the identity store's session config decides again.",
  ),
  ...admin(
    { name: 'admin.users.session.list', scope: READ, tier: 'tier2', schema: schemas.ListArguments, act: list },
    "Live sessions, newest first: one user's, or everybody's.",
    schemas.SessionListBody,
  ),
  ...admin(
    {
      name: 'admin.users.session.invalidate',
      scope: WRITE,
      tier: 'tier2',
      schema: schemas.InvalidateArguments,
      act: invalidate,
    },
    'End one session.',
  ),
  ...admin(
    { name: 'admin.users.session.reset', scope: WRITE, tier: 'tier2', schema: schemas.ResetArguments, act: reset },
    'End all sessions of a user.',
  ),
  ...admin(
    {
      name: 'admin.users.session.resetBulk',
      scope: WRITE,
      tier: 'tier2',
      schema: schemas.ResetBulkArguments,
      act: resetBulk,
    },
    'End all sessions of up to 1 000 users. Accepted means that it will be done.',
  ),
  ...routesOf(
    {
      name: 'auth.test',
      summary: 'Whom the token acts for.',
      input: schemas.NoArguments,
      answer: schemas.AuthTestBody,
      security: ['credential'],
      limited: true,
    },
    true,
    tokenHandler('auth.test', testAuth),
  ),
  ...routesOf(
    {
      name: 'api.test',
      summary: 'Answers its arguments.',
      input: schemas.TestArguments,
      answer: schemas.TestBody,
      security: ['none'],
      limited: false,
    },
    true,
    openHandler(testApi),
  ),
]

export const slackApi: Api = { name: 'Slack', base: '/api', routes, renderError, renderBug, trailingSlash: 'never' }

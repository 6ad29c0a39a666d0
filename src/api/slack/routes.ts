/** The Slack API: `POST /api/<method>`. What only reads may be asked with GET too. */
import type { z } from 'zod'
import type { Api, Route } from '../route.ts'
import { testApi, testAuth } from './connection.ts'
import { errors, renderBug, renderError } from './errors.ts'
import { adminHandler, type Method, openHandler, tokenHandler } from './method.ts'
import * as schemas from './schemas.ts'
import { invalidate, reset, resetBulk } from './session-ends.ts'
import { list } from './session-list.ts'
import { clearSettings, getSettings, setSettings } from './session-settings.ts'

const MEDIA_TYPES = ['application/x-www-form-urlencoded', 'application/json', 'multipart/form-data', 'text/plain']

type Described = Pick<Route, 'summary' | 'security' | 'handle'> & {
  readonly name: string
  readonly schema: z.ZodType
  readonly response: z.ZodType
}

/** A method's routes: always POST, and GET where it only reads. */
function methodRoutes({ name, schema, response, ...described }: Described, reads: boolean): readonly Route[] {
  const input = schema as z.ZodObject
  const operationId = name.replaceAll('.', '_')
  const description = 'The answer; with `ok: false`, why it is refused.'
  const common = {
    ...described,
    path: `/${name}`,
    responses: { 200: { description, schema: response.or(schemas.RefusalBody) } },
  } as const
  const given = described.security.includes('none') ? input : schemas.Common.and(input)
  const fields = given.meta({ id: schemaName(name) })
  const post = { ...common, method: 'POST', operationId, body: { schema: fields, mediaTypes: MEDIA_TYPES } } as const
  return reads ? [post, { ...common, method: 'GET', operationId: `${operationId}_get`, query: input }] : [post]
}

/** `admin.users.session.setSettings` as `SlackSetSettingsInput`. */
function schemaName(method: string): string {
  const words = method.replace('admin.users.session.', '').split('.')
  return `Slack${words.map((word) => word.replace(/^./, (letter) => letter.toUpperCase())).join('')}Input`
}

/** The routes of a method for administrators. */
function adminRoutes<Input>(
  method: Method<Input>,
  summary: string,
  response: z.ZodType = schemas.DoneBody,
): readonly Route[] {
  const { name, schema } = method
  const described = { name, summary, schema, response, security: ['credential'], handle: adminHandler(method) } as const
  return methodRoutes(described, method.scope === 'admin.users:read')
}

const READ = 'admin.users:read'
const WRITE = 'admin.users:write'

const routes: readonly Route[] = [
  ...adminRoutes(
    {
      name: 'admin.users.session.setSettings',
      scope: WRITE,
      tier: 'tier4',
      schema: schemas.SetSettingsArguments,
      run: setSettings,
    },
    'Set session settings of up to 1 000 users, of all or of none. Live sessions follow at once.',
  ),
  ...adminRoutes(
    {
      name: 'admin.users.session.getSettings',
      scope: READ,
      tier: 'tier4',
      schema: schemas.UsersArguments,
      run: getSettings,
    },
    'Read the session settings of users.',
    schemas.SettingsBody,
  ),
  ...adminRoutes(
    {
      name: 'admin.users.session.clearSettings',
      scope: WRITE,
      tier: 'tier4',
      schema: schemas.UsersArguments,
      run: clearSettings,
    },
    "Clear session settings of users: the identity store's session config decides again.",
  ),
  ...adminRoutes(
    { name: 'admin.users.session.list', scope: READ, tier: 'tier2', schema: schemas.ListArguments, run: list },
    "List live sessions, newest first: one user's, or everybody's.",
    schemas.SessionListBody,
  ),
  ...adminRoutes(
    {
      name: 'admin.users.session.invalidate',
      scope: WRITE,
      tier: 'tier2',
      schema: schemas.InvalidateArguments,
      run: invalidate,
    },
    'End one session.',
  ),
  ...adminRoutes(
    { name: 'admin.users.session.reset', scope: WRITE, tier: 'tier2', schema: schemas.ResetArguments, run: reset },
    'End all sessions of a user.',
  ),
  ...adminRoutes(
    {
      name: 'admin.users.session.resetBulk',
      scope: WRITE,
      tier: 'tier2',
      schema: schemas.ResetBulkArguments,
      run: resetBulk,
    },
    'End all sessions of up to 1 000 users. Accepted means that it will be done.',
  ),
  ...methodRoutes(
    {
      name: 'auth.test',
      summary: 'Tell whom the token acts for.',
      schema: schemas.NoArguments,
      response: schemas.AuthTestBody,
      security: ['credential'],
      handle: tokenHandler('auth.test', testAuth),
    },
    true,
  ),
  ...methodRoutes(
    {
      name: 'api.test',
      summary: 'Answer the arguments of the call, to try out a client.',
      schema: schemas.TestArguments,
      response: schemas.TestBody,
      security: ['none'],
      handle: openHandler(testApi),
    },
    true,
  ),
]

/** The Slack API. Any path of one segment is a method, known or not. */
export const slackApi: Api = {
  name: 'Slack',
  base: '/api',
  routes,
  territory: ['/api/:method'],
  trailingSlash: 'never',
  renderError,
  renderBug,
  errors,
}

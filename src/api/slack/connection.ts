/** What clients call first: `api.test` and `auth.test`. */
import type { z } from 'zod'
import { ok, type Result } from '../../domain/result.ts'
import type { RequestContext } from '../context.ts'
import type { Arguments } from './arguments.ts'
import type { SlackCaller } from './caller.ts'
import type { AuthTestBody, TestBody } from './schemas.ts'

/** `api.test`: answers the arguments, and with `error` fails as told. The token is not said again. */
export function testApi(given: Arguments): z.infer<typeof TestBody> {
  const args = Object.fromEntries([...given].filter(([name]) => name !== 'token'))
  const error = given.get('error')
  return typeof error === 'string' && error !== '' ? { ok: false, error, args } : { ok: true, args }
}

/** `auth.test`: whom the token acts for. */
export function testAuth(
  caller: SlackCaller,
  context: RequestContext,
): Result<Omit<z.infer<typeof AuthTestBody>, 'ok'>, never> {
  const { identityStoreId, credentialId, name, store, user } = caller
  return ok({
    url: `${context.services.settings.publicOrigins[0] ?? ''}/`,
    team: store.name,
    team_id: identityStoreId,
    user: user?.username ?? name,
    ...(user === null ? { bot_id: credentialId } : { user_id: user.userId }),
    is_enterprise_install: false,
  })
}

/** What nobody expected: thrown, logged, and answered without a word of what it was. */

import { log } from '../log.ts'
import { causeOf } from '../time-limit.ts'
import type { RequestContext } from './context.ts'
import type { Api } from './route.ts'
import { schemaBehind } from './unready.ts'

/** Logs an error under the request's id, and answers it. */
export async function answerBug(
  { renderBug }: Pick<Api, 'renderBug'>,
  error: unknown,
  context: RequestContext,
): Promise<Response> {
  const behind = await schemaBehind(error, context)
  if (behind !== null) return behind
  const cause = causeOf(error)
  log('request.bug', { requestId: context.requestId, error: cause.stack ?? cause.message })
  return renderBug(context)
}

/** The cookie of an operator's console session: `Strict`, of this host alone, and gone with the browser. */
import { clearCookie, setCookie } from '../http/cookies.ts'
import { cookiesAreSecure, type Origins } from './origins.ts'
import { type CarriedToken, tokensInCookies } from './session-carriers.ts'
import type { SessionTokens } from './session-tokens.ts'

const COOKIE = 'latchkey-operator'

/** The name by which a request has it: only this host can have set one with the prefix, which needs TLS. */
function nameFor(request: Request, origins: Origins): string {
  return cookiesAreSecure(request, origins) ? `__Host-${COOKIE}` : COOKIE
}

function travelOf(request: Request, origins: Origins) {
  return { sameSite: 'strict', secure: cookiesAreSecure(request, origins) } as const
}

/** The header that hands a token to a browser. */
export function issueConsoleCookie(request: Request, origins: Origins, token: string): string {
  return setCookie(nameFor(request, origins), token, null, travelOf(request, origins))
}

/** The header that makes a browser forget it. */
export function forgetConsoleCookie(request: Request, origins: Origins): string {
  return clearCookie(nameFor(request, origins), travelOf(request, origins))
}

/** The token that the request has in it: one that we signed, of whatever kind. Null if there is none, or not just one. */
export async function consoleToken(
  request: Request,
  origins: Origins,
  tokens: SessionTokens,
): Promise<CarriedToken | null> {
  const [only, another] = (await tokensInCookies(request, nameFor(request, origins), tokens)) ?? []
  return another === undefined ? (only ?? null) : null
}

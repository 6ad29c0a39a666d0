/** The pages as a browser without scripts asks for them. */
import { type RequestOptions, send, type TestSession } from '../../support/requests.ts'

/** The page of devices. */
export function devices(session: TestSession, query = '', options: RequestOptions = {}): Promise<Response> {
  return send(`/devices${query}`, { cookie: session.token, address: session.user.address, ...options })
}

/** Sends one of its forms. */
export function post(
  session: TestSession,
  form: Record<string, string>,
  options: RequestOptions = {},
): Promise<Response> {
  return devices(session, '', { form, ...options })
}

/** The text of a page, as it is read: without tags, with every character as it is shown. */
export async function textOf(response: Response): Promise<string> {
  const page = await response.text()
  return page
    .replace(/<style>[\s\S]*?<\/style>|<title>[\s\S]*?<\/title>/g, '')
    .replace(/<\/?(time|span|strong)\b[^>]*>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? "'")
    .replace(/\s+/g, ' ')
}

/** Lists that come in pages, as one. */
import { LatchkeyError } from './error.ts'

/** What a method takes that knows a part of its path. */
export type Bound<Data extends { readonly url: string; readonly path?: unknown }, Given extends string> = Omit<
  Data,
  'url' | 'path'
> &
  (keyof Omit<Data['path'], Given> extends never ? unknown : { readonly path: Omit<Data['path'], Given> }) & {
    readonly headers?: Readonly<Record<string, string>>
    readonly signal?: AbortSignal
  }

type Page = (options: never) => PromiseLike<{ data?: unknown; error?: unknown; response?: Response }>

/** Every entry of a list, page by page as they are asked for. Throws a `LatchkeyError` where a page is refused. */
export async function* all<Item>(page: Page, options: never, items: string): AsyncGenerator<Item> {
  const { query, ...rest } = options as { readonly query?: object }
  for (let cursor: string | undefined; ; ) {
    const asked = { ...rest, query: { ...query, ...(cursor !== undefined && { cursor }) } }
    const { data, error, response } = await page(asked as never)
    if (data === undefined) {
      const { code = 'unavailable', title = 'No answer' } = (error ?? {}) as { code?: string; title?: string }
      throw new LatchkeyError(code, title, response?.status ?? null, response?.headers.get('x-request-id') ?? null)
    }
    const body = data as { readonly [member: string]: unknown }
    yield* body[items] as Item[]
    if (typeof body.next_cursor !== 'string') return
    cursor = body.next_cursor
  }
}

import { afterEach, describe, expect, test, vi } from 'vitest'
import { MAX_BODY_BYTES, mediaType, readBody, utf8 } from '../../src/http/body.ts'

afterEach(() => vi.restoreAllMocks())

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request('http://localhost/', { method: 'POST', body, headers })
}

/** A body in pieces, whose length nobody declares. */
function stream(chunks: number, bytesEach: number, onCancel = () => {}): ReadableStream<Uint8Array> {
  let left = chunks
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close()
      left -= 1
      controller.enqueue(new Uint8Array(bytesEach).fill(120))
    },
    cancel: onCancel,
  })
}

describe('a body', () => {
  test('is read whole up to the limit, in one piece or in many', async () => {
    expect(await readBody(post(null))).toEqual({ ok: true, value: new Uint8Array() })
    const whole = await readBody(post(new Uint8Array(MAX_BODY_BYTES)))
    expect(whole.ok && whole.value).toHaveLength(MAX_BODY_BYTES)
    const pieces = await readBody(post(stream(64, 1_024)))
    expect(pieces.ok && pieces.value).toHaveLength(MAX_BODY_BYTES)
    expect(pieces.ok && new Set(pieces.value)).toEqual(new Set([120]))
  })

  test('above the limit is refused by its declared length, before it is read', async () => {
    const request = post('x', { 'content-length': String(MAX_BODY_BYTES + 1) })
    expect(await readBody(request)).toEqual({
      ok: false,
      error: { code: 'request_too_large', limitBytes: MAX_BODY_BYTES },
    })
    expect(request.bodyUsed).toBe(false)
  })

  test('above the limit is refused as soon as it gets there, and read no further', async () => {
    const cancelled = vi.fn()
    const read = await readBody(post(stream(1_000_000, 1_024, cancelled)))
    expect(read).toEqual({ ok: false, error: { code: 'request_too_large', limitBytes: MAX_BODY_BYTES } })
    expect(cancelled).toHaveBeenCalled()
  })

  test('that lies about its length is measured', async () => {
    for (const length of ['1', '-5', 'x']) {
      const read = await readBody(post(new Uint8Array(MAX_BODY_BYTES + 1), { 'content-length': length }))
      expect(read).toMatchObject({ ok: false, error: { code: 'request_too_large' } })
    }
  })

  test('that never ends is given up after ten seconds', async () => {
    const waits: (number | undefined)[] = []
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((passed: () => void, milliseconds?: number) => {
      waits.push(milliseconds)
      passed()
    }) as typeof setTimeout)
    const read = await readBody(post(new ReadableStream()))
    expect([read, waits]).toEqual([{ ok: false, error: { code: 'request_timeout' } }, [10_000]])
  })

  test('that breaks off is no body', async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(1))
        controller.error(new Error('gone'))
      },
    })
    expect(await readBody(post(broken))).toEqual({ ok: false, error: { code: 'request_timeout' } })
  })
})

test.each([
  ['application/json', 'application/json'],
  ['Application/JSON; charset=utf-8', 'application/json'],
  ['"application/json"', 'application/json'],
  ['text/plain; application/json', 'text/plain'],
  ['application/json, text/plain', 'application/json, text/plain'],
  ['', null],
  [';', null],
])('the media type of `%s` is %s', (header, type) => {
  expect(mediaType(post(new Uint8Array(1), { 'content-type': header }))).toBe(type)
})

test('text is UTF-8 or nothing', () => {
  expect(utf8(new TextEncoder().encode('h\u00e9 \u{1f511}'))).toBe('h\u00e9 \u{1f511}')
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) expect(utf8(new Uint8Array(bytes))).toBeNull()
})

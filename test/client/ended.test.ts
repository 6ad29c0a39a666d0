/** `sessions.ended`, over HTTP, over a binding and of the double: one table of cases, as for the other methods. */
import { describe, expect, test, vi } from 'vitest'
import type { EndedOptions, Opened } from '../../packages/client/src/index.ts'
import { foreignToken, SUBJECTS, type Subject } from './subjects.ts'

async function open({ client, userId }: Subject): Promise<Extract<Opened, { ok: true }>> {
  const opened = await client.sessions.open({ userId, client: { address: null, userAgent: null } })
  if (!opened.ok) throw new Error(opened.code)
  return opened
}

const PATIENCE = { timeout: 15_000, interval: 10 }
const aborted = (signal: AbortSignal) => vi.waitFor(() => expect(signal.aborted).toBe(true), PATIENCE)
const now = () => new Date().toISOString()

/** Resolves when somebody listens; the clock goes on meanwhile where it is to. */
function untilListenedTo(subject: Subject, seconds = 0): Promise<void> {
  return vi.waitFor(async () => {
    if (seconds > 0) subject.advance(seconds)
    expect(await subject.listeners()).toBeGreaterThan(0)
  }, PATIENCE)
}

/** A session that somebody follows. */
async function followed(subject: Subject, options: EndedOptions = {}) {
  const { token, session } = await open(subject)
  const ended = subject.client.sessions.ended(token, options)
  await untilListenedTo(subject)
  return { token, session, ended }
}

describe.each(SUBJECTS)('%s', (_name, make) => {
  test('the end of a session is told at that moment, and why', async () => {
    const subject = await make()
    const { token, ended } = await followed(subject)
    expect(ended.aborted).toBe(false)
    const endedAt = now()
    await subject.client.sessions.end(token)
    await aborted(ended)
    expect(ended.reason).toMatchObject({ name: 'SessionOver', reason: 'revoked', endedAt })
    expect(ended.reason).toBeInstanceOf(Error)
  })

  test('a disabled user’s session is told to be over', async () => {
    const subject = await make()
    const { ended } = await followed(subject)
    await subject.disableUser()
    await aborted(ended)
    expect(ended.reason).toMatchObject({ reason: 'user_disabled' })
  })

  test('a session that idles out is warned of, and told to be over, though nobody looks', async () => {
    const subject = await make({ inactivityTimeoutSeconds: 900 })
    const warnings: string[] = []
    const { session, ended } = await followed(subject, { onEndingSoon: (endsAt) => warnings.push(endsAt) })
    subject.advance(840)
    await subject.doWhatIsDue()
    await vi.waitFor(() => expect(warnings).toEqual([session.idlesOutAt]), PATIENCE)
    expect(ended.aborted).toBe(false)
    subject.advance(60)
    await subject.doWhatIsDue()
    await aborted(ended)
    expect(ended.reason).toMatchObject({ reason: 'idle', endedAt: session.idlesOutAt })
  })

  test('to follow a session is no activity', async () => {
    const subject = await make({ inactivityTimeoutSeconds: 900 })
    const { token, session } = await open(subject)
    subject.advance(100)
    subject.client.sessions.ended(token)
    await untilListenedTo(subject)
    const check = await subject.client.sessions.check(token, { touch: false })
    expect(check).toMatchObject({ session: { lastSeenAt: session.lastSeenAt } })
  })

  test('a session that has ended before is told to be over, and why', async () => {
    const subject = await make()
    const { token } = await open(subject)
    const endedAt = now()
    await subject.client.sessions.end(token)
    const ended = subject.client.sessions.ended(token)
    await aborted(ended)
    expect(ended.reason).toMatchObject({ reason: 'revoked', endedAt })
  })

  test.each([
    ['none', () => null],
    ['text', () => 'an apple; a pear'],
    ['a likely one', () => 'A'.repeat(148)],
    ['another store’s', foreignToken],
  ])('a token of nobody is unauthenticated: %s', async (_what, token) => {
    const subject = await make()
    const ended = subject.client.sessions.ended(await token())
    await aborted(ended)
    expect(ended.reason).toMatchObject({ reason: 'unauthenticated', endedAt: null })
  })

  test('a lost connection is made anew', async () => {
    const subject = await make()
    const { token, ended } = await followed(subject)
    await subject.disconnect()
    await untilListenedTo(subject, 1)
    expect(ended.aborted).toBe(false)
    await subject.client.sessions.end(token)
    await aborted(ended)
    expect(ended.reason).toMatchObject({ reason: 'revoked' })
  })

  test('what cannot be asked for too long is unavailable', async () => {
    const subject = await make()
    const { ended } = await followed(subject, { unavailableAfterSeconds: 30 })
    const mend = subject.breakDown()
    await subject.disconnect()
    subject.advance(29)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(ended.aborted).toBe(false)
    await vi.waitFor(() => {
      subject.advance(1)
      expect(ended.aborted).toBe(true)
    }, PATIENCE)
    expect(ended.reason).toMatchObject({ reason: 'unavailable', endedAt: null })
    mend()
  })

  test('who gives up is told nothing more', async () => {
    const subject = await make()
    const stop = new AbortController()
    const { token, ended } = await followed(subject, { signal: stop.signal })
    stop.abort()
    const other = subject.client.sessions.ended(token)
    await subject.client.sessions.end(token)
    await aborted(other)
    expect(ended.aborted).toBe(false)
  })

  test('a patience that makes no sense is the application’s fault', async () => {
    const { sessions } = (await make()).client
    for (const unavailableAfterSeconds of [0, 29, Number.NaN]) {
      const ended = sessions.ended('token', { unavailableAfterSeconds })
      await aborted(ended)
      expect(ended.reason).toBeInstanceOf(RangeError)
    }
  })
})

import { describe, expect, test, vi } from 'vitest'
import type { Priority } from '../../src/identity/fair-queue.ts'
import { HashingLine } from '../../src/identity/hashing-line.ts'
import { advanceClock, stopClock } from '../support/clock.ts'

const COST = { ln: 14, r: 8, p: 5 }
const WAIT = 8_000

/** Fills a line while its first turn is held up, and tells in which order the rest have theirs. */
async function orderOf(line: HashingLine, places: readonly (readonly [Priority, string])[]): Promise<string[]> {
  const order: string[] = []
  const take = ([priority, who]: readonly [Priority, string], name: string) =>
    line.take({ priority, who }, COST, WAIT, () => order.push(name))
  await Promise.all(places.map((place, index) => take(place, `${place[0]} ${place[1]} ${index}`)))
  return order
}

describe('the line for hashing', () => {
  test('has operators first, then who is known, then strangers', async () => {
    const order = await orderOf(new HashingLine(), [
      ['stranger', 'a'],
      ['known', 'b'],
      ['stranger', 'c'],
      ['operator', 'd'],
      ['known', 'e'],
    ])
    expect(order).toEqual(['operator d 3', 'known b 1', 'known e 4', 'stranger a 0', 'stranger c 2'])
  })

  test('has whoever asks often behind the others', async () => {
    const flood = Array.from({ length: 5 }, () => ['stranger', 'flood'] as const)
    const order = await orderOf(new HashingLine(), [...flood, ['stranger', 'b'], ['stranger', 'c'], ['stranger', 'b']])
    expect(order.map((place) => place.split(' ')[1]).join(' ')).toBe('flood b c flood b flood flood flood')
  })

  test('keeps the order of arrival of those from one place, however many come later', async () => {
    const line = new HashingLine()
    const order: number[] = []
    const turns: Promise<unknown>[] = []
    const join = (number: number) => {
      const hash = () => {
        order.push(number)
        if (number < 6) join(number + 6)
      }
      turns.push(line.take({ priority: 'stranger', who: 'office' }, COST, WAIT, hash))
    }
    for (let number = 0; number < 6; number += 1) join(number)
    while (order.length < 12) await Promise.all(turns)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  test('lets nobody wait for ever, however many others come one after the other', async () => {
    const line = new HashingLine()
    const order: string[] = []
    const turns: Promise<unknown>[] = []
    const join = (who: string, left: number) => {
      const hash = () => {
        order.push(who)
        if (left > 0) join(`passer-by ${left}`, left - 1)
      }
      turns.push(line.take({ priority: 'stranger', who }, COST, WAIT, hash))
    }
    for (let place = 0; place < 4; place += 1) join('office', place === 0 ? 12 : 0)
    while (order.length < 16) await Promise.all(turns)
    expect(order.lastIndexOf('office')).toBeLessThan(8)
  })

  test('does one at a time, and lets others in between', async () => {
    const line = new HashingLine()
    let under = 0
    const most: number[] = []
    const joinsLate: Promise<unknown>[] = []
    const order: string[] = []
    const hash = (name: string) => () => {
      under += 1
      most.push(under)
      order.push(name)
      under -= 1
      if (name === 'first') joinsLate.push(line.take({ priority: 'operator', who: 'x' }, COST, WAIT, hash('operator')))
    }
    await Promise.all(
      ['first', 'second', 'third'].map((name) =>
        line.take({ priority: 'stranger', who: name }, COST, WAIT, hash(name)),
      ),
    )
    await Promise.all(joinsLate)
    expect(order).toEqual(['first', 'operator', 'second', 'third'])
    expect(Math.max(...most)).toBe(1)
  })

  test('turns away who would wait too long, before any hashing, with times to come back that differ', async () => {
    stopClock()
    const line = new HashingLine()
    // 160 ms a turn, until one was measured: 8 s are 50 turns.
    const waiting = Array.from({ length: 51 }, (_, who) =>
      line.take({ priority: 'stranger', who: `${who}` }, COST, WAIT, () => who),
    )
    const hash = vi.fn()
    const refused = await Promise.all(
      Array.from({ length: 40 }, () => line.take({ priority: 'stranger', who: 'late' }, COST, WAIT, hash)),
    )
    const times = refused.map((one) => (one.ok ? null : one.error.retryAfterSeconds))
    expect(new Set(times).size).toBeGreaterThan(2)
    for (const time of times) expect([1, 2, 3, 4, 5]).toContain(time)
    expect(hash).not.toHaveBeenCalled()
    // The line of strangers is no line for others.
    const others = (['known', 'operator'] as const).map((who) =>
      line.take({ priority: who, who }, COST, WAIT, () => who),
    )
    expect(await Promise.all(others)).toEqual([
      { ok: true, value: 'known' },
      { ok: true, value: 'operator' },
    ])
    expect((await Promise.all(waiting)).every(({ ok }) => ok)).toBe(true)
  })

  test('turns away who has waited too long', async () => {
    stopClock()
    const line = new HashingLine()
    const hash = vi.fn()
    const first = line.take({ priority: 'known', who: 'a' }, COST, WAIT, () => advanceClock(WAIT / 1000 + 1))
    const second = line.take({ priority: 'stranger', who: 'b' }, COST, WAIT, hash)
    expect((await first).ok).toBe(true)
    expect(await second).toMatchObject({ ok: false, error: { code: 'unavailable' } })
    expect(hash).not.toHaveBeenCalled()
  })

  test('goes on after a bug', async () => {
    const line = new HashingLine()
    const broken = line.take({ priority: 'operator', who: 'a' }, COST, WAIT, () => {
      throw new Error('a bug')
    })
    await expect(broken).rejects.toThrow('a bug')
    expect(await line.take({ priority: 'stranger', who: 'b' }, COST, WAIT, () => 1)).toEqual({ ok: true, value: 1 })
  })

  test('does not wait for one whose object is gone', async () => {
    stopClock()
    const line = new HashingLine()
    const wait = scheduler.wait.bind(scheduler)
    // The first one never looks again.
    const stuck = vi.spyOn(scheduler, 'wait').mockImplementationOnce(() => new Promise(() => {}))
    void line.take({ priority: 'operator', who: 'gone' }, COST, WAIT, () => 1)
    stuck.mockImplementation(wait)
    const next = line.take({ priority: 'stranger', who: 'b' }, COST, WAIT, () => 2)
    await wait(20)
    advanceClock(6)
    expect(await next).toEqual({ ok: true, value: 2 })
  })
})

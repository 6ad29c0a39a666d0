/** How a call of the operator API is repeated. */
import { expect, test } from 'vitest'
import { patient } from '../../../packages/client/src/patient-fetch.ts'

const URL = 'https://sessions.pie.example/operator/identity-stores'

/** What a call comes to whose service answers so, the last one again and again; and how often that was asked. */
async function ask(method: string, ...answers: (Response | null)[]) {
  let asked = 0
  const send = async () => {
    asked += 1
    const answer = answers[Math.min(asked, answers.length) - 1] ?? null
    if (answer === null) throw new TypeError('fetch failed')
    return answer.clone()
  }
  const patience = { timeoutMilliseconds: 2_000, retries: 2 }
  const answer = await patient(send as typeof fetch, patience)(URL, { method }).catch(({ code }) => code)
  return { answer: answer instanceof Response ? answer.status : answer, asked }
}

const down = new Response('{}', { status: 503, headers: { 'retry-after': '0' } })
const done = Response.json({})

test.each(['GET', 'PUT', 'DELETE'])('%s is tried again', async (method) => {
  expect(await ask(method, down, null, done)).toEqual({ answer: 200, asked: 3 })
  expect(await ask(method, down)).toEqual({ answer: 503, asked: 3 })
})

test.each(['POST', 'PATCH'])('%s is not: it might be done twice', async (method) => {
  expect(await ask(method, down, done)).toEqual({ answer: 503, asked: 1 })
  expect(await ask(method, null, done)).toEqual({ answer: 'unavailable', asked: 1 })
})

test('what is to wait longer than there is time comes back as it is', async () => {
  const later = new Response('{}', { status: 429, headers: { 'retry-after': '30' } })
  expect(await ask('GET', later, done)).toEqual({ answer: 429, asked: 1 })
})

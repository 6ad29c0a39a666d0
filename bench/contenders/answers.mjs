// Reading answers while a contender is set up.

/** An answer, which must have this status. */
export async function mustBe(status, answer) {
  const response = await answer
  if (response.status !== status) throw new Error(`${response.url}: ${response.status} ${await response.text()}`)
  return response
}

/** The cookies that an answer sets, as the next request sends them. */
export function cookiesOf(response) {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

/** The trips in sequence of each scenario's first request, from Workers that count them. */
export async function tripsOf(scenarios) {
  const found = {}
  for (const [key, { url, status, requests }] of Object.entries(scenarios)) {
    const [{ path, headers, ...request }] = requests
    const answer = await fetch(url + path, { ...request, headers: { ...headers, 'x-count-trips': '1' } })
    const { status: answered, trips } = await answer.json()
    if (answered !== status) throw new Error(`${key} answered ${answered} while it was counted`)
    found[key] = trips
  }
  return found
}

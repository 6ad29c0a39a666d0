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

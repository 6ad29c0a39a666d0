// The few calls that the clients make. Each answers null if no answer came, or the service could not answer.

const TIMEOUT_MILLISECONDS = 5_000
const CLIENT = { address: '192.0.2.7', user_agent: 'crash test' }

/** Calls of one instance of the service. */
export function callsOf({ base_url: baseUrl, operator_token: operatorToken, identity_store_id: storeId, service }) {
  const store = `/operator/identity-stores/${storeId}`

  async function call(method, path, token, body) {
    try {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      })
      const text = await response.text()
      if (response.status >= 500) return null
      return { status: response.status, body: text === '' ? null : JSON.parse(text), method, path }
    } catch {
      return null
    }
  }

  return {
    /** `{id, token}`; `refused` for a disabled user. */
    async open(userId) {
      const answer = await call('POST', '/sessions', service.token, { user_id: userId, client: CLIENT })
      if (answer?.status === 403) return 'refused'
      return answer && expect(answer, 201).body
    },
    /** True once the session has ended. */
    async end(token) {
      const answer = await call('DELETE', '/sessions/current', token)
      return answer && expect(answer, 204) !== null
    },
    /** Whether the session is alive. */
    async check(token) {
      const answer = await call('GET', '/sessions/current?touch=false', token)
      return answer && expect(answer, 200, 401).status === 200
    },
    /** True once it is so. */
    async setActive(userId, active) {
      const answer = await call('PATCH', `${store}/users/${userId}`, operatorToken, { active })
      return answer && expect(answer, 200) !== null
    },
    async isActive(userId) {
      const answer = await call('GET', `${store}/users/${userId}`, operatorToken)
      return answer && expect(answer, 200).body.active
    },
    async createUsers(userIds) {
      const users = userIds.map((userId) => ({ user_id: userId, username: `${userId}@crash.example`, role: 'member' }))
      const answer = await call('POST', `${store}/users`, operatorToken, { users })
      return answer && expect(answer, 200, 201, 207) !== null
    },
    async jobs() {
      const answer = await call('GET', `${store}/jobs`, operatorToken)
      return answer && expect(answer, 200).body.jobs
    },
  }
}

/** What is neither an outage nor foreseen is a finding of its own. */
function expect(answer, ...statuses) {
  if (statuses.includes(answer.status)) return answer
  throw new Error(`${answer.method} ${answer.path}: ${answer.status} ${JSON.stringify(answer.body)}`)
}

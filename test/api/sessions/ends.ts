/** How others than the user bring about the end of a session. */
import { expect } from 'vitest'
import { send, type TestSession } from '../../support/requests.ts'
import { makeBearer, makeOperator } from '../../support/stores.ts'

/** Changes a user as an operator does, and expects it to succeed. */
export async function changeUser(session: TestSession, json: Record<string, unknown>): Promise<void> {
  const { identityStoreId, userId } = session.user
  const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
  const response = await send(path, { method: 'PATCH', bearer: await makeOperator(), json })
  expect(response.status, await response.text()).toBe(200)
}

/** Revokes a session as a back end does. */
export async function revoke(session: TestSession): Promise<void> {
  const bearer = await makeBearer(session.user.identityStoreId, ['sessions:revoke'])
  expect((await send('/oauth2/revoke', { bearer, form: { token: session.token } })).status).toBe(200)
}

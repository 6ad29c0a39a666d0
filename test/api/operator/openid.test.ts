/** What operators say of OpenID providers, subjects and profile updates. */
import { expect, test } from 'vitest'
import { type RequestOptions, send } from '../../support/requests.ts'
import { makeOperator, makeStore, makeUser } from '../../support/stores.ts'

async function operator(path: string, options: RequestOptions = {}) {
  const response = await send(`/operator${path}`, { bearer: await makeOperator(), ...options })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

const PROVIDER = {
  issuer: 'https://id.pie.example',
  client_id: 'latchkey',
  client_secret: 'secret',
  redirect_uri: 'https://app.pie.example/',
}

test('a provider is set, read without its secret, replaced and removed', async () => {
  const path = `/identity-stores/${await makeStore()}/openid-provider`
  expect((await operator(path)).status).toBe(404)
  const { client_secret: _, ...shown } = PROVIDER
  expect(await operator(path, { method: 'PUT', json: PROVIDER })).toMatchObject({ status: 200, body: shown })
  const { body } = await operator(path)
  expect(body).toEqual({ ...shown, created_at: expect.any(String), updated_at: expect.any(String) })
  const other = { ...PROVIDER, client_id: 'other' }
  expect((await operator(path, { method: 'PUT', json: other })).body).toMatchObject({ client_id: 'other' })
  // The redirect URI tells the store: it is nobody else's.
  const elsewhere = `/identity-stores/${await makeStore()}/openid-provider`
  expect((await operator(elsewhere, { method: 'PUT', json: PROVIDER })).status).toBe(409)
  expect((await operator(path, { method: 'DELETE' })).status).toBe(204)
  expect((await operator(path, { method: 'DELETE' })).status).toBe(404)
  expect((await operator(elsewhere, { method: 'PUT', json: PROVIDER })).status).toBe(200)
  expect((await operator('/identity-stores/none/openid-provider', { method: 'PUT', json: PROVIDER })).status).toBe(404)
})

test.each([
  { issuer: 'http://id.pie.example' },
  { issuer: 'https://id.pie.example/?x' },
  { issuer: 'ftp://127.0.0.1' },
  { redirect_uri: 'https://app.pie.example' },
  { redirect_uri: 'https://app.pie.example/?a=b' },
  { client_secret: '' },
])('%j is refused', async (change) => {
  const path = `/identity-stores/${await makeStore()}/openid-provider`
  const { status, body } = await operator(path, { method: 'PUT', json: { ...PROVIDER, ...change } })
  expect([status, body.errors[0].field]).toEqual([400, Object.keys(change)[0]])
})

test('a subject is one user of the store, and forgotten with its issuer', async () => {
  const identityStoreId = await makeStore()
  const store = `/identity-stores/${identityStoreId}`
  const [one, other] = [await makeUser({ identityStoreId }), await makeUser({ identityStoreId })]
  const elsewhere = await makeUser()
  const set = (user: typeof one) =>
    operator(`/identity-stores/${user.identityStoreId}/users/${user.userId}`, {
      method: 'PATCH',
      json: { openid_subject: 's' },
    })
  const provider = { ...PROVIDER, redirect_uri: `https://${identityStoreId}.example/` }
  await operator(`${store}/openid-provider`, { method: 'PUT', json: provider })
  expect((await set(one)).body).toMatchObject({ openid_subject: 's' })
  expect((await set(other)).status).toBe(409)
  // Without a provider there is nobody whose subject it could be.
  expect((await set(elsewhere)).status).toBe(409)
  const elsewhereProvider = { ...PROVIDER, redirect_uri: `https://${elsewhere.identityStoreId}.example/` }
  await operator(`/identity-stores/${elsewhere.identityStoreId}/openid-provider`, {
    method: 'PUT',
    json: elsewhereProvider,
  })
  expect((await set(elsewhere)).status).toBe(200)
  await operator(`${store}/openid-provider`, { method: 'PUT', json: { ...provider, client_id: 'x' } })
  expect((await operator(`${store}/users/${one.userId}`)).body).toMatchObject({ openid_subject: 's' })
  await operator(`${store}/openid-provider`, { method: 'PUT', json: { ...provider, issuer: 'https://new.example' } })
  expect((await operator(`${store}/users/${one.userId}`)).body).toMatchObject({ openid_subject: null })
})

test('whether SSO profiles go to the application server is a setting of the store, off at first', async () => {
  const identityStoreId = `sso-${crypto.randomUUID()}`
  const path = `/identity-stores/${identityStoreId}`
  const put = await operator(path, { method: 'PUT', json: { name: 'SSO' } })
  expect(put.body).toMatchObject({ update_profile_to_bs_db_sso: false })
  await operator(path, { method: 'PATCH', json: { update_profile_to_bs_db_sso: true } })
  expect((await operator(path)).body).toMatchObject({ update_profile_to_bs_db_sso: true, name: 'SSO' })
})

/**
 * Two identity stores: one whose credentials the requests are made with, and one that nobody is authorised for, whose
 * ids are known all the same. Made by the operator API, as operators do.
 */
import { type Caller, makeFullStore, type OpenSession, PASSWORD } from '../mix/store.ts'
import type { Header } from './requests.ts'
import type { Known } from './schemas.ts'

/** Who a request says it comes from. */
export interface Carrier {
  readonly headers: readonly Header[]
  readonly accessKey?: { readonly accessKey: string; readonly secretKey: string }
}

export interface World {
  /** The service's own. */
  readonly origin: string
  readonly identityStoreId: string
  readonly known: Known
  /** By the names of OpenAPI's security schemes. */
  readonly carriers: Readonly<Record<string, readonly Carrier[]>>
  readonly sessions: readonly OpenSession[]
}

/** The store that nobody is authorised for. */
export interface Bystander {
  readonly identityStoreId: string
  readonly userIds: readonly string[]
  readonly sessions: readonly OpenSession[]
  /** Words of its records that stand in no request: in no answer either, then. */
  readonly marks: readonly string[]
  /** What is no secret, for requests to name. */
  readonly known: Known
}

/** Makes the store that nobody is authorised for. */
export async function makeBystander(call: Caller, operator: string): Promise<Bystander> {
  const made = await makeFullStore(call, operator, { name: 'mark' })
  // Whoever reads them first, which anybody may, has them made.
  await call({ method: 'GET', path: `/ssf/${made.identityStoreId}/jwks.json` })
  return {
    identityStoreId: made.identityStoreId,
    userIds: made.userIds,
    sessions: made.sessions,
    marks: [
      made.mark,
      made.service,
      made.slack,
      made.streams,
      made.sdk.secretKey,
      made.looker.clientSecret,
      ...made.accessTokens,
    ],
    known: {
      identity_store_id: [made.identityStoreId],
      user_id: made.userIds,
      session_id: made.sessions.map(({ id }) => id),
      credential_id: made.credentialIds,
      client_id: [made.looker.clientId],
    },
  }
}

/** Makes a store with users, sessions and every kind of credential. */
export async function makeWorld(call: Caller, operator: string, origin: string, bystander: Bystander): Promise<World> {
  const made = await makeFullStore(call, operator, { name: 'own' })
  const { identityStoreId, sessions } = made
  const limited = await call({
    method: 'POST',
    path: '/operator/credentials',
    bearer: operator,
    json: { name: 'Limited', scopes: ['operator'], limited_store_ids: [identityStoreId] },
  })
  const token: string = limited.body.token
  const opened = await call({ method: 'POST', path: '/operator/console-sessions', bearer: token })
  const inConsole: Header[] = [
    ['cookie', opened.cookies[0]?.split(';')[0] ?? ''],
    ['latchkey-console', '1'],
  ]
  const delivery = { method: 'urn:ietf:rfc:8936' }
  const streams = { path: `/ssf/${identityStoreId}/streams`, bearer: made.streams }
  const stream = await call({ ...streams, method: 'POST', json: { delivery } })
  const bearer = (value: string): Carrier => ({ headers: [['authorization', `Bearer ${value}`]] })
  const tokens = sessions.map((session) => session.token)
  const basic = btoa(`${made.looker.clientId}:${made.looker.clientSecret}`)
  const web = tokens.map((one): Carrier => ({ headers: [['cookie', `sessionid=${one}`]] }))
  return {
    origin,
    identityStoreId,
    sessions,
    known: together(bystander.known, {
      identity_store_id: [identityStoreId, identityStoreId, identityStoreId],
      identity_store_ids: [identityStoreId],
      limited_store_ids: [identityStoreId],
      team_id: [identityStoreId],
      user_id: [...made.userIds, ...made.userIds],
      owner_user_id: made.userIds,
      username: made.usernames,
      password: [PASSWORD],
      session_id: [...sessions.map(({ id }) => id), 1, 2, 3],
      end_session: sessions.map(({ id }) => id),
      except: sessions.map(({ id }) => id),
      before: sessions.map(({ id }) => id),
      cursor: [...sessions.map(({ id }) => id), ...made.userIds],
      credential_id: made.credentialIds,
      client_id: [made.looker.clientId],
      client_secret: [made.looker.clientSecret],
      group_id: ['group', 'nobody'],
      version: [1, '1', '2', '0'],
      stream_id: [stream.body.stream_id],
      endpoint_id: [stream.body.stream_id],
      job_id: ['end_sessions', 'publish_config'],
      token: [...tokens, made.service],
      url: ['http://127.0.0.1:9/hook'],
      issuer: ['http://127.0.0.1:9'],
      address: ['192.0.2.1', '2001:db8::1'],
      sorts: ['lockout_at desc', 'email,fail_count'],
      fields: ['id,url', 'can', ''],
    }),
    carriers: {
      session: web,
      session_bearer: tokens.map(bearer),
      session_cookie: web,
      credential: [bearer(made.service)],
      slack: [bearer(made.slack)],
      streams: [bearer(made.streams)],
      operator: [bearer(token)],
      console_session: [{ headers: inConsole }],
      api_client: [{ headers: [['authorization', `Basic ${basic}`]] }],
      access_token: made.accessTokens.map(bearer),
      access_key: [{ headers: [], accessKey: made.sdk }],
    },
  }
}

function together(one: Known, other: Known): Known {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries(Array.from(names, (name) => [name, [...(other[name] ?? []), ...(one[name] ?? [])]]))
}

// Fills an empty database over HTTP, and tells whether a database that is not empty fits what we know of it.
import { CREDENTIALS, STORE, STORE_ID, USERS } from './demo-store.mjs'
import { hashPassword, randomPassword } from './passwords.mjs'
import { serviceClient, UnexpectedAnswer } from './service-client.mjs'

/** Why the stored data cannot be used any more; the message is for people. */
export class DoesNotFit extends Error {}

/** The users with random passwords, and the hashes of those. Takes about a second, so it is started early. */
export function makeUsers() {
  return Promise.all(
    USERS.map(async (user) => {
      const password = randomPassword()
      return { ...user, password, password_hash: await hashPassword(password) }
    }),
  )
}

/** Throws `DoesNotFit` if the data was written under keys of which these are the present fingerprints no longer. */
export function requireKeys(files, keys) {
  const lost = (files.readSeed()?.keys ?? []).filter((fingerprint) => !keys.includes(fingerprint))
  if (lost.length === 0) return
  const names = [...new Set(lost.map((fingerprint) => fingerprint.split('/')[0]))].join(' and ')
  throw new DoesNotFit(`The data was written under other keys: .dev.vars has lost some of ${names}.`)
}

/**
 * Makes sure that the demo store is there, and answers its credentials. `keys` are the fingerprints of the
 * present keys (secrets.mjs), `files` is what is kept beside the data (state-files.mjs), `newUsers` answers
 * users to fill an empty database with. Throws `DoesNotFit` if the data belongs to other
 * credentials than the ones we have.
 */
export async function ensureDemoStore({ baseUrl, bootstrapSecret, keys, files, newUsers }) {
  const seed = files.readSeed()
  if (seed === null) {
    const operatorToken = await bootstrap(baseUrl, bootstrapSecret)
    // Written down before anything else, so that a start that is interrupted now can be taken up again.
    files.writeSeed({ operator_token: operatorToken, keys })
    return fill(baseUrl, operatorToken, files, await newUsers())
  }
  const stored = await readStore(baseUrl, seed.operator_token)
  const credentials = files.readCredentials()
  if (!stored && credentials !== null) throw new DoesNotFit('The demo identity store was deleted.')
  if (credentials === null) return fill(baseUrl, seed.operator_token, files, await newUsers())
  files.writeCredentials({ ...credentials, base_url: baseUrl })
  return { ...credentials, base_url: baseUrl }
}

async function bootstrap(baseUrl, secret) {
  try {
    const made = await serviceClient(baseUrl, secret).call('POST', '/operator/bootstrap', { name: 'local development' })
    return made.token
  } catch (error) {
    if (error instanceof UnexpectedAnswer && [401, 403, 409].includes(error.status)) {
      throw new DoesNotFit('The database is not empty, and the credentials that were made for it are gone.')
    }
    throw error
  }
}

/** Whether the demo store exists. */
async function readStore(baseUrl, operatorToken) {
  try {
    await serviceClient(baseUrl, operatorToken).call('GET', `/operator/identity-stores/${STORE_ID}`)
    return true
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer)) throw error
    if (error.status === 404) return false
    if (error.status === 401)
      throw new DoesNotFit('The database does not know the operator token that was made for it.')
    throw error
  }
}

/** Every step may be done twice, but for credentials: those of an interrupted start are left unused. */
async function fill(baseUrl, operatorToken, files, users) {
  const operator = serviceClient(baseUrl, operatorToken)
  const store = `/operator/identity-stores/${STORE_ID}`
  await operator.call('PUT', store, STORE)
  const sent = users.map(({ password: _, ...user }) => user)
  const { results } = await operator.call('POST', `${store}/users`, { users: sent })
  for (const [index, { status, ...result }] of results.entries()) {
    const { user_id: userId, ...user } = sent[index]
    if (status === 409) await operator.call('PUT', `${store}/users/${userId}`, user)
    else if (status >= 400) throw new Error(`demo user ${userId} was refused: ${JSON.stringify(result)}`)
  }

  const made = {}
  for (const [name, credential] of Object.entries(CREDENTIALS)) {
    made[name] = await operator.call('POST', `${store}/credentials`, credential)
  }
  const credentials = {
    base_url: baseUrl,
    operator_token: operatorToken,
    identity_store_id: STORE_ID,
    users: users.map(({ user_id, username, password, role, login_mode }) => ({
      id: user_id,
      username,
      password,
      role,
      login_mode,
    })),
    service: { token: made.service.token },
    slack: { token: made.slack.token, read_only_token: made.slackReadOnly.token },
    looker: { client_id: made.looker.client_id, client_secret: made.looker.client_secret },
    huawei: {
      ak: made.huawei.access_key,
      sk: made.huawei.secret_key,
      denied_ak: made.huaweiDenied.access_key,
      denied_sk: made.huaweiDenied.secret_key,
    },
  }
  files.writeCredentials(credentials)
  return credentials
}

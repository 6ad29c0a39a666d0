import { expect, test } from 'vitest'
import { watchService } from '../e2e/support/watched-services.ts'
import { shownIn } from '../support/secrets-shown.ts'

const CREDENTIALS = {
  base_url: 'http://127.0.0.1:8787',
  operator_token: 'lk_of-the-operator-and-nobody-else',
  users: [{ id: 'U1', username: 'jo@pie.example', password: 'pass of jo' }],
  huawei: { ak: 'PUBLIC', sk: 'key-of-huawei' },
  variables: { SEALING_KEYS: '1:c2VhbGluZyBrZXkgb2YgdGhlIHRlc3Rz' },
}

test('a secret that the local server prints is found, wherever the credentials have it', () => {
  watchService(CREDENTIALS.base_url, CREDENTIALS)
  expect(shownIn('serves http://127.0.0.1:8787 for U1, jo@pie.example, with PUBLIC')).toEqual([])
  const secrets = [CREDENTIALS.operator_token, 'pass of jo', 'key-of-huawei', CREDENTIALS.variables.SEALING_KEYS]
  for (const secret of secrets) expect(shownIn(`curl -H 'x: ${secret}'`), secret).toHaveLength(1)
})

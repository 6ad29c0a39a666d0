import { expect, test } from 'vitest'
import { requireNoSecrets } from '../e2e/support/dev-server.ts'

const CREDENTIALS = {
  base_url: 'http://127.0.0.1:8787',
  operator_token: 'lk_of-the-operator',
  users: [{ id: 'U1', username: 'jo@pie.example', password: 'pass-of-jo' }],
  huawei: { ak: 'PUBLIC', sk: 'key-of-huawei' },
}

test('a secret that the local server prints is found, wherever the credentials have it', () => {
  requireNoSecrets('serves http://127.0.0.1:8787 for U1, jo@pie.example, with PUBLIC', CREDENTIALS)
  for (const secret of ['lk_of-the-operator', 'pass-of-jo', 'key-of-huawei']) {
    expect(() => requireNoSecrets(`curl -H 'x: ${secret}'`, CREDENTIALS)).toThrow('secrets were printed')
  }
})

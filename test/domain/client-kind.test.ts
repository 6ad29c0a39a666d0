import { expect, test } from 'vitest'
import { clientKind } from '../../src/domain/client-kind.ts'

test.each([
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
    'mobile',
  ],
  ['Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1', 'mobile'],
  ['Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36', 'mobile'],
  ['Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36', 'mobile'],
  ['com.tinyspeck.chatlyio/24.10 (iPhone; iOS 18.0; Scale/3.00)', 'mobile'],
  ['okhttp/4.12.0', 'mobile'],
  ['Opera/9.80 (J2ME/MIDP; Opera Mini/7.1)', 'mobile'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'web',
  ],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15', 'web'],
  ['axios/1.7.0', 'web'],
  ['', 'web'],
  [null, 'web'],
] as const)('%s is a client of kind %s', (userAgent, kind) => {
  expect(clientKind(userAgent)).toBe(kind)
})

// The headers of a GET signed with an access key (SDK-HMAC-SHA256), for a path without odd characters.
import { createHash, createHmac } from 'node:crypto'

const ALGORITHM = 'SDK-HMAC-SHA256'
const SIGNED_HEADERS = 'host;x-sdk-date'

/** The headers for `GET url`, signed now; they are good for 15 minutes. */
export function signedHeaders(url, { ak, sk }) {
  const { host, pathname } = new URL(url)
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const headers = `host:${host}\nx-sdk-date:${date}\n`
  const canonical = ['GET', `${pathname}/`, '', headers, SIGNED_HEADERS, sha256('')].join('\n')
  const signature = createHmac('sha256', sk)
    .update(`${ALGORITHM}\n${date}\n${sha256(canonical)}`)
    .digest('hex')
  return {
    'X-Sdk-Date': date,
    Authorization: `${ALGORITHM} Access=${ak}, SignedHeaders=${SIGNED_HEADERS}, Signature=${signature}`,
  }
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex')
}

// The headers of a GET signed with an access key (SDK-HMAC-SHA256), for a path without odd characters.
// Usage: ACCESS_KEY=… SECRET_KEY=… node signature.mjs URL, which prints one header a line, as `curl -H @-` takes them.
import { createHash, createHmac } from 'node:crypto'

const ALGORITHM = 'SDK-HMAC-SHA256'
const SIGNED_HEADERS = 'host;x-sdk-date'

const { ACCESS_KEY, SECRET_KEY } = process.env
const { host, pathname } = new URL(process.argv[2])
const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
const headers = `host:${host}\nx-sdk-date:${date}\n`
const canonical = ['GET', `${pathname}/`, '', headers, SIGNED_HEADERS, sha256('')].join('\n')
const signature = createHmac('sha256', SECRET_KEY)
  .update(`${ALGORITHM}\n${date}\n${sha256(canonical)}`)
  .digest('hex')
console.log(`X-Sdk-Date: ${date}`)
console.log(`Authorization: ${ALGORITHM} Access=${ACCESS_KEY}, SignedHeaders=${SIGNED_HEADERS}, Signature=${signature}`)

function sha256(text) {
  return createHash('sha256').update(text).digest('hex')
}

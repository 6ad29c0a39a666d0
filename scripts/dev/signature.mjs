// The headers of a GET signed with an access key (SDK-HMAC-SHA256), for a path without odd characters.
// Usage: node signature.mjs CREDENTIALS URL, where CREDENTIALS is a dev-credentials.json; one header a line.
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

const ALGORITHM = 'SDK-HMAC-SHA256'
const SIGNED_HEADERS = 'host;x-sdk-date'

const [credentials, url] = process.argv.slice(2)
const { ak, sk } = JSON.parse(readFileSync(credentials, 'utf8')).huawei
const { host, pathname } = new URL(url)
const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
const headers = `host:${host}\nx-sdk-date:${date}\n`
const canonical = ['GET', `${pathname}/`, '', headers, SIGNED_HEADERS, sha256('')].join('\n')
const signature = createHmac('sha256', sk)
  .update(`${ALGORITHM}\n${date}\n${sha256(canonical)}`)
  .digest('hex')
console.log(`X-Sdk-Date: ${date}`)
console.log(`Authorization: ${ALGORITHM} Access=${ak}, SignedHeaders=${SIGNED_HEADERS}, Signature=${signature}`)

function sha256(text) {
  return createHash('sha256').update(text).digest('hex')
}

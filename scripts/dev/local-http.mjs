// Requests to the service that we have started ourselves, whose certificate is its own.
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** Sends a request; answers `{status, text}`. Rejects after `timeoutMilliseconds`. */
export function send(url, { method = 'GET', headers = {}, body, timeoutMilliseconds }) {
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  const signal = AbortSignal.timeout(timeoutMilliseconds)
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, signal, rejectUnauthorized: false }, async (response) => {
      try {
        const chunks = await response.toArray()
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() })
      } catch (error) {
        reject(error)
      }
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

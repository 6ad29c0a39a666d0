// `npm run rebuild -- --url https://… [--store ID]`: has D1 filled again from the users' objects, after it was restored or
// its records were lost (docs/runbook.md). The operator's token is in OPERATOR_TOKEN. Says how far each store has come.
import { setTimeout } from 'node:timers/promises'
import { serviceClient, UnexpectedAnswer } from './dev/service-client.mjs'

const LOOK_MILLISECONDS = 1_000

const [url, store] = ['--url', '--store'].map((name) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
})
const token = process.env.OPERATOR_TOKEN
if (url === undefined || token === undefined) {
  console.error('usage: OPERATOR_TOKEN=… npm run rebuild -- --url https://sessions.example.com [--store ID]')
  process.exit(1)
}
const client = serviceClient(url.replace(/\/$/, ''), token)

try {
  for (const id of store === undefined ? await stores() : [store]) await rebuild(id)
} catch (error) {
  console.error(error instanceof UnexpectedAnswer ? error.message : error)
  process.exit(1)
}

async function stores() {
  const ids = []
  for (let cursor = ''; cursor !== null; ) {
    const query = cursor === '' ? '' : `?cursor=${cursor}`
    const page = await client.call('GET', `/operator/identity-stores${query}`)
    ids.push(...page.identity_stores.map(({ identity_store_id: id }) => id))
    cursor = page.next_cursor
  }
  return ids
}

/** Waits until the job is done: then it is not there any more. */
async function rebuild(id) {
  const path = `/operator/identity-stores/${id}`
  let job = await client.call('POST', `${path}/rebuild`)
  while (job !== null && job.kind === 'rebuild_records') {
    console.log(`${id}: ${job.done ?? 0} users done, ${job.left ?? '?'} left${job.failures > 0 ? ', tried again' : ''}`)
    await setTimeout(LOOK_MILLISECONDS)
    job = await found(client.call('GET', `${path}/jobs/${encodeURIComponent(job.job_id)}`))
  }
  console.log(`${id}: done`)
}

function found(answer) {
  return answer.catch((error) => {
    if (error instanceof UnexpectedAnswer && error.status === 404) return null
    throw error
  })
}

// A deployment in steps: a new version takes a part of the requests, and of the objects, beside the one that runs.
import { readFileSync } from 'node:fs'
import { DEPLOY_CONFIG } from './resources.mjs'

/** What whoever deploys has to decide first. */
export class CannotDeploy extends Error {}

/** Takes `--percentage N` and `--version-id ID` out of the arguments; null where there is no percentage. */
export function gradualArguments(args) {
  const rest = [...args]
  const take = (name) => {
    const at = rest.findIndex((argument) => argument === name || argument.startsWith(`${name}=`))
    if (at < 0) return null
    const [first] = rest.splice(at, 1)
    return first === name ? (rest.splice(at, 1)[0] ?? '') : first.slice(name.length + 1)
  }
  const percentage = take('--percentage')
  const versionId = take('--version-id')
  if (percentage === null) {
    if (versionId !== null) throw new CannotDeploy('--version-id comes with --percentage.')
    return { gradual: null, rest }
  }
  const least = versionId === null ? 1 : 0
  if (!/^\d{1,3}$/.test(percentage) || Number(percentage) > 100 || Number(percentage) < least)
    throw new CannotDeploy(`--percentage is a whole number from ${least} to 100.`)
  return { gradual: { percentage: Number(percentage), versionId }, rest }
}

/** The version that has all requests. A second one must be finished or taken back first. */
export function onlyVersion(wrangler) {
  const versions = deployed(wrangler)
  const [only] = versions
  if (versions.length === 1) return only.version_id
  throw new CannotDeploy(
    `Two versions are deployed: ${versions.map((one) => `${one.version_id} (${one.percentage} %)`).join(', ')}. ` +
      'Give one of them all requests first: npm run deploy -- --percentage 100 --version-id ID',
  )
}

/** The tag of the last migration of Durable Objects in the text of a wrangler.toml. */
export function lastMigrationTag(toml) {
  return Array.from(toml.matchAll(/^\[\[migrations\]\]\s+tag = "([^"]+)"/gm), ([, tag]) => tag).at(-1)
}

/** A version that makes Durable Objects cannot be uploaded beside another (error 10211): it is deployed at once. */
export function requireNoObjectMigration(wrangler, versionId, toml) {
  const view = JSON.parse(wrangler.read('versions', 'view', versionId, '--json', '--config', DEPLOY_CONFIG))
  const has = view.resources?.script_runtime?.migration_tag
  const wants = lastMigrationTag(toml)
  if (has === wants) return
  throw new CannotDeploy(
    `This version has a migration of Durable Objects (${has ?? 'none'} → ${wants}), which goes to all requests at once. ` +
      'Deploy it without --percentage; the next one can go in steps again.',
  )
}

/** Uploads a version that nobody is sent to yet, and answers its id. */
export function upload(wrangler, passed) {
  const said = wrangler.runAndRead('versions', 'upload', '--config', DEPLOY_CONFIG, ...passed)
  const { version_id: id } = said.find(({ type }) => type === 'version-upload') ?? {}
  if (typeof id !== 'string') throw new Error('wrangler did not say which version it has uploaded')
  return id
}

/**
 * Gives a version its part, and the rest to the other one. The order stays the same from step to step: an object that
 * has come to the new version does not go back.
 */
export function give(wrangler, versionId, percentage, otherId) {
  const parts = [`${versionId}@${percentage}`, `${otherId}@${100 - percentage}`].filter((part) => !part.endsWith('@0'))
  wrangler.run('versions', 'deploy', ...parts, '--yes', '--config', DEPLOY_CONFIG)
  if (parts.length === 1) return
  console.log(`\n${versionId} has ${percentage} % of the requests. How it goes on:`)
  console.log(`  npm run deploy -- --percentage 100 --version-id ${versionId}  # all of them`)
  console.log(`  npm run deploy -- --percentage 0 --version-id ${versionId}    # back`)
}

/** Another part for a version that is deployed beside another. */
export function giveAnother(wrangler, { versionId, percentage }) {
  const versions = deployed(wrangler).map(({ version_id: id }) => id)
  const other = versions.find((id) => id !== versionId)
  if (!versions.includes(versionId) || (other === undefined && percentage < 100))
    throw new CannotDeploy(`${versionId} is not one of two versions that are deployed: ${versions.join(', ')}.`)
  give(wrangler, versionId, percentage, other)
}

function deployed(wrangler) {
  return JSON.parse(wrangler.read('deployments', 'status', '--json', '--config', DEPLOY_CONFIG)).versions
}

/** What wrangler has written of its doings: a JSON object in each line. */
export function readDoings(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

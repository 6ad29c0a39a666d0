/**
 * Finding sessions by what D1 knows of them. The work is bounded whatever is looked for: so many records of the index
 * that fits are looked at, and the answer says where to go on.
 */
import { addressAllowed } from '../auth/address-allow-list.ts'
import { type ClientKind, clientKind } from '../domain/client-kind.ts'
import { type Limits, type Policy, resolvePolicy } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Client, CredentialsType, EndReason } from '../domain/session.ts'
import type { SessionStory } from '../domain/session-story.ts'
import { MAX_COUNTED_SESSIONS, MAX_SCANNED_ROWS } from '../limits.ts'
import type { Database } from '../store/database.ts'
import { type Position, type RecordRange, recordsAfter, storyIn } from '../store/session-lists.ts'
import type { SessionRecord } from '../store/session-records.ts'
import { readRulesOfUsers } from '../store/session-settings.ts'
import type { Unavailable } from '../time-limit.ts'

/** What is looked for; null: whatever it is. */
export interface SessionSearch extends RecordRange {
  /** Of the client that uses the session now. */
  readonly clientKind: ClientKind | null
  readonly credentialsType: CredentialsType | null
  /** Two letters, where the store tracks locations. */
  readonly country: string | null
  /** An address or a CIDR block: that of the client that opened the session, or uses it now. */
  readonly address: string | null
  readonly endReason: EndReason | null
  /** Who opened it, as the audit log names actors: `credential:…` of a back end. */
  readonly openedBy: string | null
}

/** A page of what was found. */
export interface FoundPage<Found> {
  readonly found: readonly Found[]
  /** Records that were looked at. */
  readonly scanned: number
  /** Where to go on; null: there is no more. */
  readonly next: Position | null
}

/** Records read at a time where most of them may be passed over. */
const CHUNK_ROWS = 500

/** A page of sessions, the newest first: those opened last of live ones and of one user's, else those ended last. */
export async function listSessions(
  db: Database,
  search: SessionSearch,
  after: Position | null,
  limit: number,
  limits: Limits,
): Promise<Result<FoundPage<SessionStory>, Unavailable>> {
  const page = await scanSessions(db, search, after, { limit, mostRows: MAX_SCANNED_ROWS })
  if (!page.ok) return page
  const policies = await policiesOf(db, search, page.value.found, limits)
  if (!policies.ok) return policies
  const found = page.value.found.map((record) => storyIn(record, policies.value.get(record.userId) ?? null))
  return ok({ ...page.value, found })
}

/** How many sessions there are. Not exact, and at least so many, where more records would have to be looked at. */
export async function countSessions(
  db: Database,
  search: SessionSearch,
): Promise<Result<{ readonly count: number; readonly exact: boolean }, Unavailable>> {
  const all = await scanSessions(db, search, null, { limit: Number.POSITIVE_INFINITY, mostRows: MAX_COUNTED_SESSIONS })
  return all.ok ? ok({ count: all.value.found.length, exact: all.value.next === null }) : all
}

/** The records that fit, from a position on: at most `limit` of them, out of the first `mostRows` records. */
export async function scanSessions(
  db: Database,
  search: SessionSearch,
  after: Position | null,
  { limit, mostRows }: { readonly limit: number; readonly mostRows: number },
): Promise<Result<FoundPage<SessionRecord>, Unavailable>> {
  const found: SessionRecord[] = []
  const isMatch = matcher(search)
  // Without a filter beyond the index a page reads what it shows, and one record that tells of another page.
  const chunk =
    isUnfiltered(search) && limit < CHUNK_ROWS ? limit + 1 : Math.max(CHUNK_ROWS, Math.min(limit, MAX_SCANNED_ROWS))
  let scanned = 0
  let last = after
  for (;;) {
    // The one more tells whether anything is left.
    const most = Math.min(chunk, mostRows - scanned + 1)
    const rows = await recordsAfter(db, search, last, most)
    if (!rows.ok) return rows
    for (const record of rows.value) {
      if (scanned === mostRows || found.length >= limit) return ok({ found, scanned, next: last })
      scanned += 1
      last = record
      if (isMatch(record)) found.push(record)
    }
    if (rows.value.length < most) return ok({ found, scanned, next: null })
  }
}

/** The policies of users with live sessions among these. */
async function policiesOf(
  db: Database,
  { identityStoreId }: SessionSearch,
  records: readonly SessionRecord[],
  limits: Limits,
): Promise<Result<ReadonlyMap<string, Policy>, Unavailable>> {
  const userIds = [...new Set(records.filter(({ endedAt }) => endedAt === null).map(({ userId }) => userId))]
  if (userIds.length === 0) return ok(new Map())
  const users = await readRulesOfUsers(db, identityStoreId, userIds, false)
  return users.ok ? ok(new Map(users.value.map(({ userId, rules }) => [userId, resolvePolicy(rules, limits)]))) : users
}

function isUnfiltered(search: SessionSearch): boolean {
  const { userId, clientKind: kind, credentialsType, country, address, endReason, openedBy } = search
  return [userId, kind, credentialsType, country, address, endReason, openedBy].every((one) => one === null)
}

function matcher(search: SessionSearch): (record: SessionRecord) => boolean {
  const { state, openedAfter, openedBefore, credentialsType, country, address, endReason, openedBy } = search
  const block = address === null ? null : [address]
  return (record) => {
    const opening: Client = { address: record.address, userAgent: record.userAgent }
    const recent: Client = { address: record.recentAddress, userAgent: record.recentUserAgent }
    const now = recent.address === null && recent.userAgent === null ? opening : recent
    return (
      record.kind === 'web' &&
      (record.endedAt === null) === (state === 'live') &&
      (openedAfter === null || record.openedAt >= openedAfter) &&
      (openedBefore === null || record.openedAt < openedBefore) &&
      (credentialsType === null || record.credentialsType === credentialsType) &&
      (endReason === null || record.endReason === endReason) &&
      (openedBy === null || record.openedBy === openedBy) &&
      (search.clientKind === null || clientKind(now.userAgent) === search.clientKind) &&
      (country === null || countryOf(record.location) === country) &&
      (block === null || addressAllowed(opening.address, block) || addressAllowed(now.address, block))
    )
  }
}

function countryOf(location: string | null): string | null {
  return location === null ? null : ((JSON.parse(location) as { country?: string | null }).country ?? null)
}

/** The logout tokens that were accepted, in a store's object, for as long as they could be accepted again. */
import { CLOCKS_DIFFER_MILLISECONDS } from '../../limits.ts'

/** The table. */
export const SEEN_TOKENS = `CREATE TABLE seen_tokens (token_hash TEXT PRIMARY KEY, good_until INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX seen_tokens_by_good_until ON seen_tokens (good_until);`

/** A token, and from when on it is accepted no more, epoch milliseconds. */
export interface SeenToken {
  readonly tokenHash: string
  readonly goodUntil: number
}

/** Notes a token. False: it came before. */
export function noteToken(sql: SqlStorage, { tokenHash, goodUntil }: SeenToken, now: number): boolean {
  sql.exec('DELETE FROM seen_tokens WHERE good_until < ?', now - CLOCKS_DIFFER_MILLISECONDS)
  const noted = sql.exec(
    'INSERT INTO seen_tokens (token_hash, good_until) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING token_hash',
    tokenHash,
    goodUntil,
  )
  return noted.toArray().length > 0
}

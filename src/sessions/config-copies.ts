/**
 * Copies of the session config near the check: KV's, written by the store's jobs alone, and this
 * isolate's, at most 30 s old. Found by the store tag that every token carries. A copy is only ever
 * news: the user's object keeps the newest it was told, so a stale or missing copy undoes nothing.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'
import type { SessionConfig, Versioned } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { STORE_TAG_BYTES } from '../domain/token.ts'
import { type Unavailable, within } from '../store/database.ts'

/** Longest wait for KV, in milliseconds. */
const KV_TIMEOUT_MILLISECONDS = 2_000
/** Age at which an isolate's copy is fetched again in the background, and at which it is used no more. */
const REFRESH_AFTER_MILLISECONDS = 20_000
export const MAX_COPY_AGE_MILLISECONDS = 30_000
/** Stores whose config one isolate keeps. */
const MAX_COPIES = 10_000

const PublishedConfig: z.ZodType<Versioned<SessionConfig>> = z.object({
  version: z.number().int().positive(),
  value: z.object({
    allowPersistentSessions: z.boolean(),
    sessionMinutes: z.number().int().positive(),
    concurrentSessionLimit: z.number().int().positive().nullable(),
    useInactivityBasedLogout: z.boolean(),
    trackSessionLocation: z.boolean(),
  }),
})

/** The tag by which a store's tokens and its KV entry are known: a hash, so that a token names no tenant. */
export function storeTag(identityStoreId: string): string {
  return hash('sha256', identityStoreId, 'hex').slice(0, 2 * STORE_TAG_BYTES)
}

/** Writes a store's config to KV. Only the store's jobs may. */
export function publishConfig(
  kv: KVNamespace,
  identityStoreId: string,
  config: Versioned<SessionConfig>,
): Promise<Result<void, Unavailable>> {
  return within(KV_TIMEOUT_MILLISECONDS, 'KV', () => kv.put(key(storeTag(identityStoreId)), JSON.stringify(config)))
}

/** A store's config as KV has it; null if it has none that makes sense. */
export function publishedConfig(
  kv: KVNamespace,
  identityStoreId: string,
): Promise<Result<Versioned<SessionConfig> | null, Unavailable>> {
  return readKv(kv, storeTag(identityStoreId))
}

async function readKv(kv: KVNamespace, tag: string): Promise<Result<Versioned<SessionConfig> | null, Unavailable>> {
  const text = await within(KV_TIMEOUT_MILLISECONDS, 'KV', () => kv.get(key(tag), { type: 'text', cacheTtl: 30 }))
  return text.ok ? ok(parseConfig(text.value)) : text
}

function parseConfig(text: string | null): Versioned<SessionConfig> | null {
  try {
    return text === null ? null : (PublishedConfig.safeParse(JSON.parse(text)).data ?? null)
  } catch {
    return null
  }
}

function key(tag: string): string {
  return `session-config/${tag}`
}

interface Copy {
  readonly config: Versioned<SessionConfig> | null
  readonly readAt: number
  refreshing: boolean
}

/** This isolate's copies. */
export class ConfigCopies {
  private readonly kv: KVNamespace
  private readonly copies = new Map<string, Copy>()

  constructor(kv: KVNamespace) {
    this.kv = kv
  }

  /**
   * A store's config, at most 30 s behind KV; null if none is known. Never fails: no news is no news. A promise
   * only if KV is asked first.
   */
  get(
    tag: string,
    now: number,
    later: (work: Promise<unknown>) => void,
  ): Versioned<SessionConfig> | null | Promise<Versioned<SessionConfig> | null> {
    const copy = this.copies.get(tag)
    const age = copy === undefined ? Number.POSITIVE_INFINITY : now - copy.readAt
    if (copy === undefined || age < 0 || age >= MAX_COPY_AGE_MILLISECONDS) {
      return this.read(tag, now)
    }
    if (age >= REFRESH_AFTER_MILLISECONDS && !copy.refreshing) {
      copy.refreshing = true
      later(this.read(tag, now))
    }
    return copy.config
  }

  /** Takes a config that this isolate has just read or written in D1. */
  put(tag: string, config: Versioned<SessionConfig>, now: number): void {
    const copy = this.copies.get(tag)
    if ((copy?.config?.version ?? 0) > config.version) return
    this.keep(tag, config, now)
  }

  private async read(tag: string, now: number): Promise<Versioned<SessionConfig> | null> {
    const read = await readKv(this.kv, tag)
    const known = this.copies.get(tag)?.config ?? null
    const found = read.ok ? read.value : null
    const newest = (found?.version ?? 0) >= (known?.version ?? 0) ? found : known
    // A failed read counts as a look too: otherwise every check would wait for a KV that is down.
    this.keep(tag, newest, now)
    return newest
  }

  private keep(tag: string, config: Versioned<SessionConfig> | null, readAt: number): void {
    this.copies.delete(tag)
    this.copies.set(tag, { config, readAt, refreshing: false })
    if (this.copies.size > MAX_COPIES) {
      const oldest = this.copies.keys().next()
      if (!oldest.done) this.copies.delete(oldest.value)
    }
  }
}

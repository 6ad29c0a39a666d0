/**
 * This isolate's copies of the session config, at most 30 s old, found by the store tag that every token carries. A
 * copy only ever brings what is newer: the user's object keeps the newest rules, so a stale or missing copy undoes
 * nothing.
 */

import { waitUntil } from 'cloudflare:workers'
import type { SessionConfig, Versioned } from '../domain/policy.ts'
import { CONFIG_REFRESH_MILLISECONDS, MAX_CONFIG_COPIES, MAX_COPY_AGE_MILLISECONDS } from '../limits.ts'
import { readPublished } from './jobs/published-config.ts'

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
   * A store's config, at most 30 s behind KV; null if none is known. Never fails: a missing copy changes nothing. A promise
   * only if KV is asked first. `requestId` as for `within`.
   */
  get(
    tag: string,
    now: number,
    requestId?: string,
  ): Versioned<SessionConfig> | null | Promise<Versioned<SessionConfig> | null> {
    const copy = this.copies.get(tag)
    const age = copy === undefined ? Number.POSITIVE_INFINITY : now - copy.readAt
    if (copy === undefined || age < 0 || age >= MAX_COPY_AGE_MILLISECONDS) {
      return this.read(tag, now, requestId)
    }
    if (age >= CONFIG_REFRESH_MILLISECONDS && !copy.refreshing) {
      copy.refreshing = true
      waitUntil(this.read(tag, now, requestId))
    }
    return copy.config
  }

  /** Takes a config that this isolate has just read or written in D1. */
  put(tag: string, config: Versioned<SessionConfig>, now: number): void {
    const copy = this.copies.get(tag)
    if ((copy?.config?.version ?? 0) > config.version) return
    this.keep(tag, config, now)
  }

  private async read(tag: string, now: number, requestId?: string): Promise<Versioned<SessionConfig> | null> {
    const read = await readPublished(this.kv, tag, requestId)
    const known = this.copies.get(tag)?.config ?? null
    const found = read.ok ? read.value : null
    const newest = (found?.version ?? 0) >= (known?.version ?? 0) ? found : known
    // A failed read counts too: otherwise, while KV is down, every check would wait for it.
    this.keep(tag, newest, now)
    return newest
  }

  private keep(tag: string, config: Versioned<SessionConfig> | null, readAt: number): void {
    this.copies.delete(tag)
    this.copies.set(tag, { config, readAt, refreshing: false })
    if (this.copies.size > MAX_CONFIG_COPIES) {
      const oldest = this.copies.keys().next()
      if (!oldest.done) this.copies.delete(oldest.value)
    }
  }
}

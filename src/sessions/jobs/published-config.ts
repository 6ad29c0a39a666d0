/** The session config as KV has it, the copy for the edge. Written by the store's jobs alone. */

import { z } from 'zod'
import { type SessionConfig, type Versioned, WHEN_LIMIT_REACHED } from '../../domain/policy.ts'
import { ok, type Result } from '../../domain/result.ts'
import { KV_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import { storeTag } from '../../store/store-tag.ts'
import { type Unavailable, within } from '../../time-limit.ts'

const count = z.number().int().positive()
const PublishedConfig: z.ZodType<Versioned<SessionConfig>> = z.object({
  version: z.number().int().positive(),
  value: z.object({
    allowPersistentSessions: z.boolean(),
    sessionMinutes: z.number().positive(),
    concurrentSessionLimit: count.nullable(),
    // An earlier version writes none of these.
    clientKindLimits: z.object({ web: count.nullable(), mobile: count.nullable() }).nullable().default(null),
    whenLimitReached: z.enum(WHEN_LIMIT_REACHED).default('evict_oldest'),
    useInactivityBasedLogout: z.boolean(),
    inactivityTimeoutSeconds: count.nullable().default(null),
    trackSessionLocation: z.boolean(),
  }),
})

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
  return readPublished(kv, storeTag(identityStoreId))
}

/** The same, by the store's tag. `requestId` as for `within`. */
export async function readPublished(
  kv: KVNamespace,
  tag: string,
  requestId?: string,
): Promise<Result<Versioned<SessionConfig> | null, Unavailable>> {
  const get = () => kv.get(key(tag), { type: 'text', cacheTtl: 30 })
  const text = await within(KV_TIMEOUT_MILLISECONDS, 'KV', get, undefined, requestId)
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

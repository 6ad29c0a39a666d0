/** What a bound Worker passes. Names are JavaScript's: this is a call, not JSON. */
import { z } from 'zod'
import { STORE_SCOPES } from '../../auth/scopes.ts'
import { ID_PATTERN } from '../../domain/ids.ts'
import { trimUserAgent } from '../../domain/session.ts'
import { MAX_AGE_SECONDS } from '../../sessions/check-memory.ts'

const id = z.string().regex(ID_PATTERN)
const token = z.string().min(1).max(4_096)

/** `props` of the service binding: the store, and what the bound Worker may do there. */
export const BindingProps = z.strictObject({ identityStoreId: id, scopes: z.array(z.enum(STORE_SCOPES)) })

export const CheckInput = z.strictObject({
  token,
  touch: z.boolean().default(true),
  maxAgeSeconds: z.int().min(0).max(MAX_AGE_SECONDS).default(0),
})

export const OpenInput = z.strictObject({
  userId: id,
  client: z.strictObject({
    address: z.union([z.ipv4(), z.ipv6()]).nullable(),
    userAgent: z.string().nullable().transform(trimUserAgent),
  }),
  persistent: z.boolean().default(false),
})

export const EndInput = z.strictObject({ token })

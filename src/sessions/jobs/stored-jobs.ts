/** Jobs as a store's object keeps them: JSON that this or another version has written, checked when it is read. */
import { z } from 'zod'
import type { Job } from './run-job.ts'

const Progress = z.object({
  configVersion: z.int(),
  beganAt: z.int(),
  cursor: z.string(),
  missed: z.boolean(),
})
const userIds = z.array(z.string())
const applyRules = (userIds: string[], signedInOnly: boolean) =>
  ({ kind: 'apply_rules', userIds, signedInOnly }) as const

const StoredJob: z.ZodType<Job> = z.union([
  z.object({ kind: z.literal('publish_config'), verify: z.literal(true), version: z.int(), verifyAt: z.int() }),
  z.object({ kind: z.literal('publish_config'), verify: z.literal(false).exactOptional() }),
  z.object({ kind: z.literal('apply_rules'), userIds, signedInOnly: z.boolean() }),
  // Two kinds of earlier versions.
  z.object({ kind: z.literal('tell_users'), userIds }).transform((job) => applyRules(job.userIds, false)),
  z.object({ kind: z.literal('apply_settings'), userIds }).transform((job) => applyRules(job.userIds, true)),
  z.object({
    kind: z.literal('reset_users'),
    userIds,
    done: z.int(),
    acceptedAt: z.int(),
    clients: z.enum(['web', 'mobile']).nullable(),
    by: z.object({ caller: z.string().nullable(), requestId: z.string().nullable() }),
  }),
  z.object({
    kind: z.literal('end_sessions'),
    acceptedAt: z.int(),
    overSeconds: z.int(),
    by: z.object({ caller: z.string().nullable(), requestId: z.string() }),
    parts: z.int(),
    part: z.int(),
    missed: z.array(z.int()),
    finishedAt: z.int().nullable(),
    cancelled: z.boolean(),
  }),
  z.object({
    kind: z.literal('sweep_sessions'),
    overdue: z.literal(true).exactOptional(),
    progress: Progress.exactOptional(),
  }),
  z.object({ kind: z.literal('clear_locations'), progress: Progress.exactOptional() }),
  z.object({
    kind: z.literal('erase_user'),
    userId: z.string(),
    deletionEventId: z.string(),
    until: z.object({ sessionId: z.string(), eventId: z.string() }),
    inD1: z.literal('done').exactOptional(),
  }),
  z.object({
    kind: z.literal('rebuild_records'),
    by: z.object({ caller: z.string().nullable(), requestId: z.string() }),
    progress: z.object({ cursor: z.string(), done: z.int(), left: z.int() }).nullable(),
  }),
  z.object({
    kind: z.literal('idp_logout'),
    logout: z.object({
      issuer: z.string(),
      subject: z.string().nullable(),
      sid: z.string().nullable(),
      issuedAt: z.number(),
      acceptedAt: z.int(),
    }),
    by: z.object({ caller: z.string(), requestId: z.string() }),
    looked: z.boolean(),
  }),
])

const Named = z.object({ kind: z.string() })

/** A job as it was read. Null: this version does not know its kind, or not in this form. */
export interface ReadJob {
  readonly kind: string
  readonly job: Job | null
}

/** Reads a job, which a later version may have written. */
export function readJob(text: string): ReadJob {
  const value = parse(text)
  const { data } = StoredJob.safeParse(value)
  if (data !== undefined) return { kind: data.kind, job: data }
  return { kind: Named.safeParse(value).data?.kind ?? 'unknown', job: null }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

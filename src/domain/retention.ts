/** How long records are kept, in days. */
export interface Retention {
  /** Of ended sessions, from their end. */
  readonly sessionRecordDays: number
  readonly auditDays: number
  /** Of revoked and expired credentials, from then on. */
  readonly credentialDays: number
  /** Of events, as others are told of them. */
  readonly eventDays: number
}

/** What is kept where no variable says otherwise. */
export const DEFAULT_RETENTION: Retention = {
  sessionRecordDays: 90,
  auditDays: 400,
  credentialDays: 30,
  eventDays: 30,
}

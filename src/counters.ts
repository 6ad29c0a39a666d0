/** Counters of what happens, for graphs of rates: an isolate knows only its own part, so it hands each one on. */

/** What is counted; never a check. Its detail: the kind of session, the reason of the end, or the status of the answer. */
export type CountedEvent = 'opened' | 'ended' | 'refused' | 'throttled' | 'unavailable' | 'mirrored'

export interface Counters {
  /**
   * One more. Takes no time and cannot fail.
   * @param identityStoreId null: it is not known
   * @param milliseconds of a copy: how old the change was that it brought to D1
   */
  count(event: CountedEvent, identityStoreId: string | null, detail: string, milliseconds?: number): void
}

/** Counters in an Analytics Engine dataset; none: nothing is counted. */
export function countersOf(dataset: AnalyticsEngineDataset | undefined): Counters {
  return {
    count(event, identityStoreId, detail, milliseconds = 0) {
      dataset?.writeDataPoint({
        indexes: [identityStoreId ?? ''],
        blobs: [event, detail],
        doubles: [1, milliseconds],
      })
    },
  }
}

/** Breakages of events: what is told, and how it is sent. */

const OUTBOX = 'test/store/events.test.ts'
const WEBHOOKS = 'test/events/webhooks.test.ts'
const FEED = 'test/api/operator/events.test.ts'

export const eventMutants = [
  {
    name: 'events: old ones stay',
    file: 'src/store/housekeeping.ts',
    from: 'AND kept.at >= ?1',
    to: '',
    caughtBy: { file: OUTBOX, test: 'old events are removed hourly, from the first one on' },
  },
  {
    name: 'events: a feed that is off is recording',
    file: 'src/store/events.ts',
    from: 'OR EXISTS (SELECT 1 ',
    to: 'OR true OR EXISTS (SELECT 1 ',
    caughtBy: { file: FEED, test: 'that is off writes nothing down' },
  },
  {
    name: 'events: the id of another store is a place in the feed',
    file: 'src/domain/events.ts',
    from: 'return ofTag === tag ? Number(digits) : null',
    to: 'return ofTag === undefined ? null : Number(digits)',
    caughtBy: { file: FEED, test: 'is each store’s own' },
  },
  {
    name: 'events: a place that is still to come is taken',
    file: 'src/api/operator/event-feed.ts',
    from: 'number !== null && number <= lastNumber',
    to: 'number !== null',
    caughtBy: { file: FEED, test: 'is each store’s own' },
  },
  {
    name: 'events: the mirror wakes nobody',
    file: 'src/sessions/object/mirror-batches.ts',
    from: 'if (mirrored.ok && mirrored.value.endpoints.size > 0) await tell(mirrored.value.endpoints)',
    to: '',
    caughtBy: { file: WEBHOOKS, test: 'the end of a session is told at once' },
  },
  {
    name: 'events: a change wakes nobody',
    file: 'src/sessions/jobs/store-jobs.ts',
    from: 'if (ids.length === 0) return',
    to: 'if (ids.length >= 0) return',
    caughtBy: { file: WEBHOOKS, test: 'is told of what comes after it was made' },
  },
  {
    name: 'events: a message is forgotten when it is sent, not when it is taken',
    file: 'src/events/endpoint-storage.ts',
    from: "this.sql.exec('UPDATE pending SET due_at = ? WHERE id = ?', until, message.id)",
    to: "this.sql.exec('DELETE FROM pending WHERE id = ? AND ? > 0', message.id, until)",
    caughtBy: { file: WEBHOOKS, test: 'an object that dies with a message on its way' },
  },
  {
    name: 'events: 410 is a failure as others are',
    file: 'src/events/event-endpoint.ts',
    from: "if (status === GONE) await this.disable(owner, 'gone')",
    to: 'if (status === 0) return',
    caughtBy: { file: WEBHOOKS, test: 'and is gone, is disabled' },
  },
  {
    name: 'events: who fails for ever is sent to for ever',
    file: 'src/events/event-endpoint.ts',
    from: "await this.disable(owner, 'failing')",
    to: 'return',
    caughtBy: { file: WEBHOOKS, test: 'for three days, nor anything else, is disabled' },
  },
  {
    name: 'events: Retry-After is not heard',
    file: 'src/events/retries.ts',
    from: 'Math.min(retryAfter ?? 0, longest)',
    to: 'Math.min(0, longest)',
    caughtBy: { file: WEBHOOKS, test: 'and says when it wants it, is heard' },
  },
  {
    name: 'events: redirects are followed',
    file: 'src/events/send.ts',
    from: "redirect: 'manual'",
    to: "redirect: 'follow'",
    caughtBy: { file: WEBHOOKS, test: 'because it redirects, is not followed' },
  },
  {
    name: 'events: the old secret signs for ever',
    file: 'src/events/targets.ts',
    from: 'endpoint.previousValidUntil !== null && Date.now() < endpoint.previousValidUntil',
    to: 'endpoint.previousValidUntil !== null',
    caughtBy: { file: WEBHOOKS, test: 'both secrets sign for a day' },
  },
  {
    name: 'events: after an outage each waits for its time',
    file: 'src/events/event-endpoint.ts',
    from: 'if (failures >= FAILURES_OF_OUTAGE) this.storage.hurry(now)',
    to: '',
    caughtBy: { file: WEBHOOKS, test: 'after an outage all that waits is sent at once' },
  },
  {
    name: 'events: an endpoint is sent what it did not ask for',
    file: 'src/events/event-endpoint.ts',
    from: '.filter(({ type }) => isNamed(type, endpoint.types))',
    to: '.filter(({ type }) => type !== undefined)',
    caughtBy: { file: WEBHOOKS, test: 'a test event, one event, a stretch and all of them' },
  },
  {
    name: 'events: addresses may be sent to',
    file: 'src/domain/endpoint-url.ts',
    from: "if (url.hostname.startsWith('[') || /^[\\d.]+$/.test(url.hostname))",
    to: "if (url.hostname.startsWith('['))",
    caughtBy: { file: 'test/domain/endpoint-url.test.ts', test: 'https://10.0.0.1/ may not' },
  },
  {
    name: 'events: an endpoint is found by its id alone',
    file: 'src/store/event-endpoints.ts',
    from: 'and(eq(eventEndpoints.identityStoreId, identityStoreId), eq(eventEndpoints.endpointId, endpointId))',
    to: 'eq(eventEndpoints.endpointId, endpointId)',
    caughtBy: { file: WEBHOOKS, test: 'of another store is not found' },
  },
  {
    name: 'events: another URL needs no fresh proof',
    file: 'src/api/operator/event-endpoints.ts',
    from: 'if (!confirmed.ok) return confirmed',
    to: '',
    caughtBy: {
      file: 'test/api/operator/console-sessions.test.ts',
      test: 'is to send events to another URL',
    },
  },
  {
    name: 'events: a change that no job follows wakes nobody',
    file: 'src/events/wake.ts',
    from: 'waitUntil(work())',
    to: 'void work',
    caughtBy: { file: WEBHOOKS, test: 'new and changed users and credentials are told at once' },
  },
]

/** The attempts to send an endpoint its events, and what became of each. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { bodyOf, type Delivery, listEventDeliveries, replayEvents } from '../api.ts'
import type { Act } from '../common/act.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found } from '../common/screen.tsx'
import { useUrlState } from '../common/url-state.ts'
import { Whole } from '../common/whole.tsx'
import { many } from '../common/words.ts'
import { Badge, Button, Empty } from '../ui.ts'

interface Shown {
  readonly path: { readonly identity_store_id: string; readonly endpoint_id: string }
  readonly mayResend: boolean
  readonly act: Act
}

const STATES = {
  delivered: { name: 'Taken', variant: 'success' },
  waiting: { name: 'Is tried again', variant: 'warning' },
  given_up: { name: 'Given up', variant: 'error' },
} as const

/** Test events tell of nothing, and are not in the feed. */
const isOfFeed = ({ event_id: id }: Delivery) => !id.startsWith('evt_trial_')

export function Deliveries({ path, mayResend, act }: Shown) {
  const cursor = useUrlState().values.get('cursor')
  const deliveries = useQuery({
    queryKey: ['event-deliveries', path, cursor],
    queryFn: ({ signal }) =>
      bodyOf(
        listEventDeliveries({ path, query: { limit: 50, ...(cursor !== null && { cursor: Number(cursor) }) }, signal }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
    enabled: !act.isPending,
  })
  function again({ event_id: id }: Delivery) {
    act.run(async () => {
      await replayEvents({ path, body: { event_id: id } })
      return 'The event is on its way.'
    })
  }
  return (
    <>
      <h2>Attempts</h2>
      <Found query={deliveries}>
        {({ deliveries: rows, pending, failing_since: failing, next_cursor: next }) => (
          <>
            <p className="subtle">
              {pending === 0 ? 'Nothing waits.' : `${many(pending, 'event')} waiting.`}{' '}
              {failing === null ? null : (
                <>
                  Nothing was taken since <Instant at={failing} />.
                </>
              )}
            </p>
            {rows.length > 0 ? (
              <List
                label="Attempts"
                rows={rows}
                idOf={(row) => `${row.event_id} ${row.attempt} ${row.at}`}
                nameOf={(row) => row.event_id}
                columns={[
                  {
                    name: 'Event',
                    cell: (row) => (
                      <>
                        <span className="mono">{row.type}</span>
                        <Whole text={row.event_id} />
                      </>
                    ),
                  },
                  {
                    name: 'Attempt',
                    cell: (row) => (
                      <>
                        {row.attempt}
                        <div className="subtle">{row.duration_milliseconds} ms</div>
                      </>
                    ),
                  },
                  { name: 'At', cell: (row) => <Instant at={row.at} /> },
                  {
                    name: 'State',
                    cell: (row) => (
                      <>
                        <Badge variant={STATES[row.state].variant}>{STATES[row.state].name}</Badge>
                        {row.next_at === null ? null : (
                          <div className="subtle">
                            <Instant at={row.next_at} />
                          </div>
                        )}
                      </>
                    ),
                  },
                  {
                    name: 'Answer',
                    cell: (row) => (
                      <>
                        {row.status ?? <span className="subtle">None</span>}
                        <Whole text={row.answer === '' ? null : row.answer} />
                      </>
                    ),
                  },
                  {
                    name: '',
                    cell: (row) =>
                      mayResend && isOfFeed(row) ? (
                        <Button size="sm" aria-label={`Send again ${row.event_id}`} onClick={() => again(row)}>
                          Send again
                        </Button>
                      ) : null,
                  },
                ]}
              />
            ) : (
              <Empty
                size="sm"
                title="Nothing was sent yet"
                description="Each attempt shows here with its answer. A test event shows whether the receiver is there."
              />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
    </>
  )
}

/** One endpoint for events: what became of each attempt, and what one can do with it. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation, useParams } from 'wouter'
import {
  bodyOf,
  type Delivery,
  deleteEventEndpoint,
  type EventEndpoint,
  getEventEndpoint,
  listEventDeliveries,
  patchEventEndpoint,
  replayEvents,
  rotateEventEndpointSecret,
  testEventEndpoint,
} from '../api.ts'
import { type Act, Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { EndpointState, Types } from '../common/endpoints.tsx'
import { FormDialog } from '../common/form-dialog.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { Secrets } from '../common/secret.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { Whole } from '../common/whole.tsx'
import { many } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Badge, Button, ClipboardText, Empty, Input } from '../ui.ts'
import { EndpointForm } from './event-endpoint-form.tsx'
import { secretsOf } from './event-endpoints.tsx'
import { Fact } from './session.tsx'

type Path = ReturnType<typeof useEndpointPath>

function useEndpointPath() {
  return { ...useStorePath(), endpoint_id: useParams<{ endpoint: string }>().endpoint }
}

export function EventEndpointScreen() {
  const path = useEndpointPath()
  const may = useMay()
  const act = useAct()
  const endpoint = useQuery({
    queryKey: ['event-endpoint', path],
    queryFn: ({ signal }) => bodyOf(getEventEndpoint({ path, signal })),
    refetchInterval: 10_000,
  })
  return (
    <Screen title="Endpoint" about="Exact. Each event is sent until it is taken, for three days at most.">
      <Outcome act={act} />
      <Found query={endpoint}>
        {(found) => (
          <>
            {may('operator:stores') ? <Acts path={path} endpoint={found} act={act} /> : null}
            <Facts endpoint={found} />
            <Deliveries path={path} mayResend={found.enabled && may('operator:stores')} act={act} />
          </>
        )}
      </Found>
    </Screen>
  )
}

function Facts({ endpoint }: { readonly endpoint: EventEndpoint }) {
  return (
    <dl className="facts">
      <Fact name="State">
        <EndpointState endpoint={endpoint} />
      </Fact>
      <Fact name="URL">
        <span className="mono">{endpoint.url}</span>
        <div className="subtle">{endpoint.description}</div>
      </Fact>
      <Fact name="Is sent">
        <Types endpoint={endpoint} />
      </Fact>
      <Fact name="Made">
        <Instant at={endpoint.created_at} />
      </Fact>
      {endpoint.old_secret_valid_until === null ? null : (
        <Fact name="The old secret signs too until">
          <Instant at={endpoint.old_secret_valid_until} />
        </Fact>
      )}
      {endpoint.public_key === null ? null : (
        <Fact name="Public key">
          <Whole text={endpoint.public_key} />
        </Fact>
      )}
      <Fact name="Endpoint id">
        <ClipboardText text={endpoint.endpoint_id} size="sm" />
      </Fact>
    </dl>
  )
}

interface Acting {
  readonly path: Path
  readonly endpoint: EventEndpoint
  readonly act: Act
}

function Acts({ path, endpoint, act }: Acting) {
  const [, go] = useLocation()
  const [asked, setAsked] = useState<'change' | 'disable' | 'replay' | 'rotate' | 'delete' | null>(null)
  const [rotated, setRotated] = useState<EventEndpoint | null>(null)
  const { enabled, kind, url } = endpoint
  const close = () => setAsked(null)
  const patch = (body: Parameters<typeof patchEventEndpoint>[0]['body'], said: string) =>
    act.run(async () => {
      await patchEventEndpoint({ path, body })
      return said
    })
  return (
    <>
      <div className="acts">
        <Button
          disabled={!enabled}
          onClick={() =>
            act.run(async () => {
              await testEventEndpoint({ path })
              return 'A test event is on its way.'
            })
          }
        >
          Send a test event
        </Button>
        <Button disabled={!enabled} onClick={() => setAsked('replay')}>
          Send events again
        </Button>
        {kind === 'webhook' ? (
          <>
            <Button onClick={() => setAsked('rotate')}>New secret</Button>
            <Button onClick={() => setAsked('change')}>Change</Button>
          </>
        ) : null}
        {enabled ? (
          <Button onClick={() => setAsked('disable')}>Disable</Button>
        ) : (
          <Button onClick={() => patch({ enabled: true }, 'The endpoint is enabled: what happened meanwhile is sent.')}>
            Enable
          </Button>
        )}
        <Button variant="destructive" onClick={() => setAsked('delete')}>
          Delete
        </Button>
      </div>
      {asked === 'change' ? (
        <EndpointForm endpoint={endpoint} onClose={close} onSave={(body) => patch(body, 'The endpoint is saved.')} />
      ) : null}
      {asked === 'replay' ? <Replay path={path} act={act} onClose={close} /> : null}
      <Confirmation
        title="Disable the endpoint?"
        act="Disable"
        open={asked === 'disable'}
        onClose={close}
        onConfirm={() => patch({ enabled: false }, 'The endpoint is disabled.')}
      >
        <p>It is sent nothing any more. Once it is enabled again it is sent what happened meanwhile, as far as kept.</p>
      </Confirmation>
      <Confirmation
        title="Make a new secret?"
        act="Make a new secret"
        open={asked === 'rotate'}
        onClose={close}
        onConfirm={() =>
          act.run(async () => {
            setRotated(await bodyOf(rotateEventEndpointSecret({ path })))
            return null
          })
        }
      >
        <p>The old one signs too for a day: give the new one to the receiver before that. It shows once.</p>
      </Confirmation>
      <Confirmation
        title={`Delete ${url}?`}
        act="Delete the endpoint"
        open={asked === 'delete'}
        onClose={close}
        onConfirm={() =>
          act.run(async () => {
            await deleteEventEndpoint({ path })
            go(`/stores/${path.identity_store_id}/endpoints`)
            return 'The endpoint is deleted.'
          })
        }
      >
        <p>It is sent nothing any more, also not what waits. Its secret and the list of attempts go with it.</p>
      </Confirmation>
      {rotated === null ? null : (
        <Secrets title="The new secret" secrets={secretsOf(rotated)} onStored={() => setRotated(null)} />
      )}
    </>
  )
}

function Replay({ path, act, onClose }: { readonly path: Path; readonly act: Act; readonly onClose: () => void }) {
  return (
    <FormDialog
      title="Send events again"
      about={<p>Those that the endpoint is sent, with the ids that they had: its receiver tells them by these.</p>}
      act="Send them"
      onClose={onClose}
      onSend={(form) => {
        const id = (name: string) => String(form.get(name) ?? '').trim() || undefined
        act.run(async () => {
          await replayEvents({ path, body: { after: id('after'), before: id('before') } })
          return 'The events are on their way.'
        })
      }}
    >
      <Input
        name="after"
        label="After the event"
        description="Its id, as in the feed. Empty: from the first that is kept."
      />
      <Input name="before" label="Before the event" description="Empty: to the last." />
    </FormDialog>
  )
}

const STATES = {
  delivered: { name: 'Taken', variant: 'success' },
  waiting: { name: 'Is tried again', variant: 'warning' },
  given_up: { name: 'Given up', variant: 'error' },
} as const

/** Test events tell of nothing, and are not in the feed. */
const isOfFeed = ({ event_id: id }: Delivery) => !id.startsWith('evt_trial_')

function Deliveries({ path, mayResend, act }: { readonly path: Path; readonly mayResend: boolean; readonly act: Act }) {
  const cursor = useUrlState().values.get('cursor')
  const deliveries = useQuery({
    queryKey: ['event-deliveries', path, cursor],
    queryFn: ({ signal }) =>
      bodyOf(
        listEventDeliveries({ path, query: { limit: 50, ...(cursor !== null && { cursor: Number(cursor) }) }, signal }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
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
                        <Button size="sm" aria-label={`Send ${row.event_id} again`} onClick={() => again(row)}>
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

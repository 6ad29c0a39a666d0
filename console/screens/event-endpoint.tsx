/** One endpoint for events, and what one can do with it. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation, useParams } from 'wouter'
import {
  bodyOf,
  deleteEventEndpoint,
  type EventEndpoint,
  getEventEndpoint,
  patchEventEndpoint,
  replayEvents,
  rotateEventEndpointSecret,
  testEventEndpoint,
} from '../api.ts'
import { type Act, Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { EndpointState, KINDS, Types } from '../common/endpoints.tsx'
import { FormDialog } from '../common/form-dialog.tsx'
import { Instant } from '../common/instant.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { Secrets } from '../common/secret.tsx'
import { useStorePath } from '../common/store.ts'
import { Whole } from '../common/whole.tsx'
import { useMay } from '../session.ts'
import { Button, ClipboardText, Input } from '../ui.ts'
import { Deliveries } from './event-deliveries.tsx'
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
    // Nobody asks for an endpoint that is being deleted.
    enabled: !act.isPending,
  })
  return (
    <Screen
      title="Endpoint"
      about="Exact. Each event is sent until it is taken, for three days at most."
      acts={
        endpoint.data !== undefined && may('operator:stores') ? (
          <Acts path={path} endpoint={endpoint.data} act={act} />
        ) : undefined
      }
    >
      <Outcome act={act} />
      <Found query={endpoint}>
        {(found) => (
          <>
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
      <Fact name="Kind">{KINDS[endpoint.kind]}</Fact>
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
      {endpoint.receiver === null ? null : (
        <Fact name="Belongs to the credential">
          <Whole text={endpoint.receiver} />
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
  const queries = useQueryClient()
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
            await queries.cancelQueries()
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

/** Where a store's events are sent to. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { bodyOf, createEventEndpoint, type EventEndpoint, listEventEndpoints } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { EndpointState, KINDS, Types } from '../common/endpoints.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { Secrets } from '../common/secret.tsx'
import { useStorePath } from '../common/store.ts'
import { useMay } from '../session.ts'
import { Button, Empty } from '../ui.ts'
import { EndpointForm } from './event-endpoint-form.tsx'

export function EventEndpoints() {
  const path = useStorePath()
  const may = useMay()
  const act = useAct()
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<EventEndpoint | null>(null)
  const endpoints = useQuery({
    queryKey: ['event-endpoints', path],
    queryFn: ({ signal }) => bodyOf(listEventEndpoints({ path, signal })),
    refetchInterval: 10_000,
  })
  return (
    <Screen
      title="Endpoints"
      about="Exact. Where the store's events are sent to, as they happen."
      acts={
        may('operator:stores') ? (
          <Button variant="primary" onClick={() => setMaking(true)}>
            New endpoint
          </Button>
        ) : undefined
      }
    >
      <Outcome act={act} />
      <Found query={endpoints}>
        {({ endpoints: rows }) =>
          rows.length > 0 ? (
            <List
              label="Endpoints"
              rows={rows}
              idOf={(row) => row.endpoint_id}
              nameOf={(row) => row.url}
              columns={[
                {
                  name: 'URL',
                  cell: (row) => (
                    <>
                      <Link className="link" href={`/stores/${path.identity_store_id}/endpoints/${row.endpoint_id}`}>
                        {row.url}
                      </Link>
                      <div className="subtle">{row.description}</div>
                    </>
                  ),
                },
                { name: 'Kind', cell: (row) => KINDS[row.kind] },
                { name: 'State', cell: (row) => <EndpointState endpoint={row} /> },
                { name: 'Is sent', cell: (row) => <Types endpoint={row} /> },
                { name: 'Made', cell: (row) => <Instant at={row.created_at} /> },
              ]}
            />
          ) : (
            <Empty
              title="Events are sent nowhere"
              description="An application that must know at once when a session ends is sent events. Make the first endpoint."
            />
          )
        }
      </Found>
      {making ? (
        <EndpointForm
          endpoint={null}
          onClose={() => setMaking(false)}
          onSave={(fields) =>
            act.run(async () => {
              setMade(await bodyOf(createEventEndpoint({ path, body: { kind: 'webhook', ...fields } })))
              return null
            })
          }
        />
      ) : null}
      {made === null ? null : (
        <Secrets title="The endpoint is made" secrets={secretsOf(made)} onStored={() => setMade(null)} />
      )}
    </Screen>
  )
}

/** What its receiver verifies by. */
export function secretsOf({ secret, public_key: key }: EventEndpoint) {
  return [
    ...(secret === undefined ? [] : [{ name: 'Secret', value: secret }]),
    ...(key === null ? [] : [{ name: 'Public key', value: key }]),
  ]
}

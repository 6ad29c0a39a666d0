/** The feed of a store: what happened, the newest first. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { bodyOf, listEventEndpoints, listEvents, putEventFeed, type StoreEvent } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { Whole } from '../common/whole.tsx'
import { useMay } from '../session.ts'
import { Badge, Button, Empty } from '../ui.ts'

const PAGE = 50

interface Feed {
  /** Null: nothing is written down. */
  readonly page: {
    readonly enabled: boolean
    readonly rows: readonly StoreEvent[]
    readonly next: string | null
  } | null
}

const numberOf = (id: string) => Number(id.slice(id.lastIndexOf('_') + 1))

/** The page of events before one, or of the newest. The service tells them from the oldest on, by numbers without gaps. */
async function pageBefore(
  path: { readonly identity_store_id: string },
  cursor: string | null,
  signal: AbortSignal,
): Promise<Feed> {
  const ask = (query: { after?: string; limit: number }) => bodyOf(listEvents({ path, query, signal }))
  // Not by a refusal: browsers make a complaint of each.
  if (!(await bodyOf(listEventEndpoints({ path, signal }))).recording) return { page: null }
  const { enabled, last } = await ask({ limit: 1 })
  const end = cursor ?? last
  if (end === null) return { page: { enabled, rows: [], next: null } }
  const newest = numberOf(end) - (cursor === null ? 0 : 1)
  const after = newest - PAGE
  const found = await ask({ limit: PAGE, ...(after > 0 && { after: end.replace(/\d+$/, String(after)) }) })
  const rows = found.events.filter(({ id }) => numberOf(id) <= newest).toReversed()
  const oldest = rows.at(-1)?.id
  return { page: { enabled, rows, next: after > 0 && found.missed === 0 && oldest !== undefined ? oldest : null } }
}

export function Events() {
  const path = useStorePath()
  const mayTurn = useMay()('operator:stores')
  const act = useAct()
  const cursor = useUrlState().values.get('cursor')
  const [turningOff, setTurningOff] = useState(false)
  const feed = useQuery({
    queryKey: ['events', path, cursor],
    queryFn: ({ signal }) => pageBefore(path, cursor, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  })
  const isOn = feed.data?.page?.enabled
  function turn(enabled: boolean) {
    act.run(async () => {
      await putEventFeed({ path, body: { enabled } })
      return enabled ? 'The feed is on: what happens from now on is written down.' : 'The feed is off.'
    })
  }
  return (
    <Screen
      title="Events"
      about="Exact. What happened in the store, the newest first, as applications read it and are sent it."
      acts={
        !mayTurn || feed.data === undefined ? undefined : isOn === true ? (
          <Button onClick={() => setTurningOff(true)}>Turn the feed off</Button>
        ) : (
          <Button variant="primary" onClick={() => turn(true)}>
            Turn the feed on
          </Button>
        )
      }
    >
      <Outcome act={act} />
      <Found query={feed}>
        {({ page }) =>
          page === null ? (
            <Empty
              title="Events are not written down"
              description="A store has none until somebody asks for them: turn the feed on, or make an endpoint."
            />
          ) : (
            <>
              <p className="subtle">
                {page.enabled ? <Badge variant="success">Feed on</Badge> : <Badge variant="neutral">Feed off</Badge>}{' '}
                {page.enabled ? null : 'Events are written down for the endpoints.'}
              </p>
              {page.rows.length > 0 ? (
                <List
                  label="Events"
                  rows={page.rows}
                  idOf={({ id }) => id}
                  nameOf={({ type }) => type}
                  columns={[
                    {
                      name: 'Event',
                      cell: (row) => (
                        <>
                          <span className="mono">{row.type}</span>
                          <Whole text={row.id} />
                        </>
                      ),
                    },
                    { name: 'When', cell: (row) => <Instant at={row.timestamp} /> },
                    { name: 'About', cell: (row) => <About event={row} storeId={path.identity_store_id} /> },
                    { name: 'Says', cell: (row) => <Said event={row} /> },
                  ]}
                />
              ) : (
                <Empty title="Nothing has happened yet" description="What happens from now on shows here." />
              )}
              <Pages next={page.next} />
            </>
          )
        }
      </Found>
      <Confirmation
        title="Turn the feed off?"
        act="Turn it off"
        open={turningOff}
        onClose={() => setTurningOff(false)}
        onConfirm={() => turn(false)}
      >
        <p>
          Whoever reads it is refused, unless the store has endpoints. What happens meanwhile is never written down.
        </p>
      </Confirmation>
    </Screen>
  )
}

/** The user, session or endpoint that an event names, as a link to it. */
function About({ event: { data }, storeId }: { readonly event: StoreEvent; readonly storeId: string }) {
  const places = { user_id: 'users', session_id: 'sessions', endpoint_id: 'endpoints' } as const
  return Object.entries(places).map(([name, place]) => {
    const id = data[name]
    return typeof id !== 'string' ? null : (
      <div key={name} className="whole mono">
        <Link className="link" href={`/stores/${storeId}/${place}/${id}`} title={id}>
          {id}
        </Link>
      </div>
    )
  })
}

/** The rest of what it says. */
function Said({ event: { data } }: { readonly event: StoreEvent }) {
  const said = Object.entries(data).filter(
    ([name, value]) => value !== null && !['user_id', 'session_id', 'endpoint_id'].includes(name),
  )
  return said.map(([name, value]) => (
    <Whole key={name} text={`${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`} />
  ))
}

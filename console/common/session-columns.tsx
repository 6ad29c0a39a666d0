/** How sessions are shown in lists, and how filters name them. */
import { Link } from 'wouter'
import type { AdministeredSession } from '../api.ts'
import { Badge } from '../ui.ts'
import type { Filter } from './filters.tsx'
import { Instant } from './instant.tsx'
import type { Column } from './list.tsx'
import { CLIENT_KINDS, CREDENTIALS, clientName } from './words.ts'

type Row = AdministeredSession

export const idOfSession = ({ session_id: id }: Row) => id
export const nameOfSession = (row: Row) => `${row.user_id}'s session on ${clientName(row)}`

export const SESSION_FILTERS: readonly Filter[] = [
  { name: 'user_id', label: 'User id' },
  { name: 'client_kind', label: 'Client', options: CLIENT_KINDS },
  { name: 'credentials_type', label: 'Signed in by', options: CREDENTIALS },
  { name: 'address', label: 'Address or block', placeholder: '192.0.2.0/24' },
  { name: 'country', label: 'Country', placeholder: 'DE' },
  { name: 'opened_after', label: 'Opened after', type: 'datetime-local' },
  { name: 'opened_before', label: 'Opened before', type: 'datetime-local' },
]

/** The nearest deadline, and which it is. */
export function Deadline({ row }: { readonly row: Pick<Row, 'expires_at' | 'idles_out_at'> }) {
  const { expires_at: overall, idles_out_at: idle } = row
  const idleFirst = idle !== null && (overall === null || idle < overall)
  const at = idleFirst ? idle : overall
  if (at === null) return <span className="subtle">Not known</span>
  return (
    <>
      <Instant at={at} />
      <div className="subtle">{idleFirst ? 'if nobody uses it' : 'at the latest'}</div>
    </>
  )
}

export function Flags({ row }: { readonly row: Row }) {
  return (
    <span className="flags">
      {row.flags.new_device === true ? <Badge variant="warning">New device</Badge> : null}
      {row.flags.persistent ? <Badge variant="secondary">Persistent</Badge> : null}
      {row.flags.sudo ? <Badge variant="info">Sudo</Badge> : null}
      {row.kind === 'api' ? <Badge variant="secondary">API</Badge> : null}
    </span>
  )
}

export function placeName({ location }: Pick<Row, 'location'>): string {
  const known = [location?.city, location?.country].filter((part) => part !== null && part !== undefined)
  return known.length === 0 ? 'Not tracked' : known.join(', ')
}

const user: Column<Row> = {
  name: 'User',
  cell: (row) => (
    <Link className="link" href={`/stores/${row.identity_store_id}/users/${row.user_id}`}>
      {row.user_id}
    </Link>
  ),
}
const client: Column<Row> = {
  name: 'Client',
  cell: (row) => (
    <>
      <Link className="link" href={`/stores/${row.identity_store_id}/sessions/${row.session_id}`}>
        {clientName(row)}
      </Link>
      <div className="subtle">{CREDENTIALS[row.credentials_type] ?? row.credentials_type}</div>
      <Flags row={row} />
    </>
  ),
}
const place: Column<Row> = {
  name: 'Place',
  cell: (row) => (
    <>
      {placeName(row)}
      <div className="mono subtle">{row.address}</div>
    </>
  ),
}
const opened: Column<Row> = { name: 'Opened', cell: (row) => <Instant at={row.opened_at} /> }
const seen: Column<Row> = { name: 'Last seen', cell: (row) => <Instant at={row.last_seen_at} /> }

export const LIVE: readonly Column<Row>[] = [
  user,
  client,
  place,
  opened,
  seen,
  { name: 'Ends', cell: (row) => <Deadline row={row} /> },
]
export const LIVE_OF_USER = LIVE.slice(1)
export const ENDED: readonly Column<Row>[] = [
  user,
  client,
  place,
  opened,
  { name: 'Ended', cell: (row) => <Instant at={row.ended_at} /> },
  { name: 'Reason', cell: (row) => row.end_sentence },
]
export const ENDED_OF_USER = ENDED.slice(1)

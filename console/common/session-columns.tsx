/** How sessions are shown in lists, and how filters name them. */
import { Link } from 'wouter'
import type { AdministeredSession } from '../api.ts'
import { Badge } from '../ui.ts'
import { Breakable } from './breakable.tsx'
import type { Filter } from './filters.tsx'
import { Instant } from './instant.tsx'
import type { Column } from './list.tsx'
import { Whole } from './whole.tsx'
import { CLIENT_KINDS, CREDENTIALS, clientName } from './words.ts'

type Row = AdministeredSession

export const idOfSession = ({ session_id: id }: Row) => id
/** Where the user's name is known, by that. */
export const nameOfSession = (row: Row, username?: string) =>
  `${username ?? row.user_id}'s session on ${clientName(row)}`

export const SESSION_FILTERS: readonly Filter[] = [
  { name: 'user_id', label: 'User id' },
  { name: 'client_kind', label: 'Client', options: CLIENT_KINDS },
  { name: 'credentials_type', label: 'Signed in by', options: CREDENTIALS },
  { name: 'address', label: 'Address or block', placeholder: '192.0.2.0/24' },
  { name: 'country', label: 'Country', placeholder: 'DE' },
  { name: 'opened_after', label: 'Opened after', type: 'datetime-local' },
  { name: 'opened_before', label: 'Opened before', type: 'datetime-local' },
  { name: 'opened_by', label: 'Opened by', placeholder: 'credential:…' },
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

/** The user's name over the id; `names` has those that are known. */
function userColumn(names: ReadonlyMap<string, { readonly username: string }>): Column<Row> {
  return {
    name: 'User',
    cell: ({ identity_store_id: storeId, user_id: userId }) => {
      const username = names.get(userId)?.username
      return (
        <div className="user">
          <Link className="link" href={`/stores/${storeId}/users/${userId}`}>
            <Breakable text={username ?? userId} />
          </Link>
          {username === undefined ? null : <div className="subtle mono">{userId}</div>}
        </div>
      )
    },
  }
}
const client: Column<Row> = {
  name: 'Client',
  cell: (row) => (
    <div className="client">
      <Link className="link" href={`/stores/${row.identity_store_id}/sessions/${row.session_id}`}>
        {clientName(row)}
      </Link>
      <div className="subtle">{CREDENTIALS[row.credentials_type] ?? row.credentials_type}</div>
      <Flags row={row} />
    </div>
  ),
}
const place: Column<Row> = {
  name: 'Place',
  cell: (row) => (
    <>
      {placeName(row)}
      <div className="mono subtle address">{row.address}</div>
    </>
  ),
}
const opened: Column<Row> = { name: 'Opened', cell: (row) => <Instant at={row.opened_at} /> }
const openedAndSeen: Column<Row> = {
  name: 'Opened, last seen',
  cell: (row) => (
    <>
      <Instant at={row.opened_at} />
      <div className="seen">
        <Instant at={row.last_seen_at} />
      </div>
    </>
  ),
}

type Names = Parameters<typeof userColumn>[0]

export const LIVE_OF_USER: readonly Column<Row>[] = [
  client,
  place,
  openedAndSeen,
  { name: 'Ends', cell: (row) => <Deadline row={row} /> },
]
export const live = (names: Names) => [userColumn(names), ...LIVE_OF_USER]

/** Why comes before where: it is what one looks here for. */
export const ENDED_OF_USER: readonly Column<Row>[] = [
  { name: 'Ended', cell: (row) => <Instant at={row.ended_at} /> },
  { name: 'Why', cell: (row) => <Why row={row} /> },
  client,
  place,
  opened,
]
export const ended = (names: Names) => [userColumn(names), ...ENDED_OF_USER]

function Why({ row }: { readonly row: Row }) {
  return (
    <div className="why">
      {row.end_sentence}
      <Whole text={row.ended_by} />
      {row.end_request_id === null ? null : <Whole text={`request ${row.end_request_id}`} />}
    </div>
  )
}

/** Audit events as a list. */
import type { AuditEvent } from '../api.ts'
import { Changes } from './changes.tsx'
import { Instant } from './instant.tsx'
import { List } from './list.tsx'
import { Whole } from './whole.tsx'

export function AuditList({ events }: { readonly events: readonly AuditEvent[] }) {
  return (
    <List
      label="Audit events"
      rows={events}
      idOf={(event) => event.event_id}
      nameOf={(event) => event.action}
      columns={[
        { name: 'At', cell: (event) => <Instant at={event.at} /> },
        {
          name: 'What',
          cell: (event) => (
            <>
              <span className="mono">{event.action}</span>
              <Whole text={event.subject} />
            </>
          ),
        },
        { name: 'Who', cell: (event) => <Whole text={event.actor} /> },
        { name: 'Before and after', cell: (event) => <Changes before={event.before} after={event.after} /> },
        { name: 'Request', cell: (event) => <Whole text={event.request_id} /> },
      ]}
    />
  )
}

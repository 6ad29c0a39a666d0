/** What was: a user's ended sessions, and what administrators did to the user. */
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { bodyOf, listAuditEvents, listStoreSessions } from '../api.ts'
import { AuditList } from '../common/audit-list.tsx'
import { List } from '../common/list.tsx'
import { Found } from '../common/screen.tsx'
import { ENDED_OF_USER, idOfSession, nameOfSession } from '../common/session-columns.tsx'
import { useStorePath } from '../common/store.ts'
import { Empty } from '../ui.ts'

export function Past({ userId }: { readonly userId: string }) {
  const path = useStorePath()
  const ended = useQuery({
    queryKey: ['ended-sessions', path, userId],
    queryFn: ({ signal }) =>
      bodyOf(listStoreSessions({ path, query: { state: 'ended', user_id: userId, limit: 10 }, signal })),
  })
  const audit = useQuery({
    queryKey: ['audit', path, userId],
    queryFn: ({ signal }) => bodyOf(listAuditEvents({ path, query: { subject: `user:${userId}`, limit: 10 }, signal })),
  })
  const of = `/stores/${path.identity_store_id}`
  return (
    <>
      <h2>Ended sessions</h2>
      <Found query={ended}>
        {({ sessions, next_cursor: next }) =>
          sessions.length === 0 ? (
            <Empty size="sm" title="No ended session" description="None has ended since the retention began." />
          ) : (
            <>
              <List
                label="Ended sessions"
                rows={sessions}
                idOf={idOfSession}
                nameOf={nameOfSession}
                columns={ENDED_OF_USER}
              />
              {next === null ? null : (
                <Link className="link" href={`${of}/ended?user_id=${userId}`}>
                  All ended sessions
                </Link>
              )}
            </>
          )
        }
      </Found>
      <h2>What was done to this user</h2>
      <Found query={audit}>
        {({ audit_events: events }) =>
          events.length === 0 ? (
            <Empty size="sm" title="Nothing" description="No administrator has changed this user." />
          ) : (
            <>
              <AuditList events={events} />
              <Link className="link" href={`${of}/audit?subject=user:${userId}`}>
                Everything in the audit log
              </Link>
            </>
          )
        }
      </Found>
    </>
  )
}

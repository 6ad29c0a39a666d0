/** The operators' credentials, and who of them is signed in to the console. */
import { useQuery } from '@tanstack/react-query'
import { bodyOf, type ConsoleSession, endConsoleSession, listConsoleSessions } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Found } from '../common/screen.tsx'
import { useUndo } from '../common/undo.ts'
import { clientName } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Badge, Button, Empty } from '../ui.ts'
import { CredentialScreen } from './credentials.tsx'

export function Operators() {
  return (
    <CredentialScreen title="Operators" storeId={null}>
      <ConsoleSessions />
    </CredentialScreen>
  )
}

function ConsoleSessions() {
  const may = useMay()
  const act = useAct()
  const undo = useUndo()
  const sessions = useQuery({
    queryKey: ['console-sessions'],
    queryFn: ({ signal }) => bodyOf(listConsoleSessions({ signal })),
    refetchInterval: 10_000,
  })
  function end({ session_id, name }: ConsoleSession) {
    undo.later(session_id, `Ending ${name}'s console session…`, () =>
      act.run(async () => {
        await endConsoleSession({ path: { session_id } })
        return `${name}'s console session has ended.`
      }),
    )
  }
  return (
    <>
      <h2>Console sessions</h2>
      <p className="subtle">Mirror: what was opened or ended seconds ago may not show yet.</p>
      <Outcome act={act} />
      <Found query={sessions}>
        {({ console_sessions: rows }) =>
          rows.length === 0 ? (
            <Empty
              size="sm"
              title="No operator is signed in"
              description="Sessions show moments after they are opened."
            />
          ) : (
            <List
              label="Console sessions"
              rows={rows}
              idOf={(row) => row.session_id}
              nameOf={(row) => row.name}
              faded={(row) => undo.waits(row.session_id)}
              columns={[
                {
                  name: 'Operator',
                  cell: (row) => (
                    <>
                      {row.name} {row.current ? <Badge variant="info">This one</Badge> : null}
                    </>
                  ),
                },
                { name: 'Client', cell: (row) => clientName(row) },
                { name: 'Address', cell: (row) => <span className="mono">{row.address}</span> },
                { name: 'Opened', cell: (row) => <Instant at={row.opened_at} /> },
                { name: 'Ends at the latest', cell: (row) => <Instant at={row.expires_at} /> },
                {
                  name: '',
                  cell: (row) =>
                    may('operator:sessions') && !row.current ? (
                      <Button
                        size="sm"
                        aria-label={`End ${row.name}'s console session`}
                        disabled={undo.waits(row.session_id)}
                        onClick={() => end(row)}
                      >
                        End
                      </Button>
                    ) : null,
                },
              ]}
            />
          )
        }
      </Found>
    </>
  )
}

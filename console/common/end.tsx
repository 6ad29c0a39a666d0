/** Ends one session, after the time for undo; and the column of a list that does. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type AdministeredSession, endStoreSessions, endUserSessions } from '../api.ts'
import { whoAmI } from '../session.ts'
import { Button } from '../ui.ts'
import type { Act } from './act.tsx'
import type { Column } from './list.tsx'
import { nameOfSession } from './session-columns.tsx'
import { useUndo } from './undo.ts'

interface Ending {
  /** Whether it is about to end, or has ended and a list does not know it yet. */
  readonly goes: (row: AdministeredSession) => boolean
  readonly end: (row: AdministeredSession) => void
}

export function useEnding(act: Act): Ending {
  const undo = useUndo()
  const me = useQuery(whoAmI)
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set())
  return {
    goes: ({ session_id: id }) => undo.waits(id) || gone.has(id),
    end: (row) =>
      undo.later(
        row.session_id,
        `Ending ${nameOfSession(row)}…${row.session_id === me.data?.session_id ? ' You will be signed out.' : ''}`,
        () =>
          act.run(async () => {
            const { identity_store_id, user_id, session_id } = row
            const body = { session_ids: [session_id] }
            if (row.kind === 'api') await endStoreSessions({ path: { identity_store_id }, body })
            else await endUserSessions({ path: { identity_store_id, user_id }, body })
            setGone((before) => new Set([...before, session_id]))
            return `${nameOfSession(row)} has ended.`
          }),
      ),
  }
}

/** The button that ends the session of a row, for who may; `ending` does it, with undo. */
export function endColumn(ending: Ending, may: boolean): Column<AdministeredSession> {
  return {
    name: '',
    cell: (row) =>
      may ? (
        <Button
          size="sm"
          aria-label={`End ${nameOfSession(row)}`}
          disabled={ending.goes(row)}
          onClick={() => ending.end(row)}
        >
          End
        </Button>
      ) : null,
  }
}

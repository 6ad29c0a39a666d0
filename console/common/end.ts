/** Ends one session, after the time for undo. */
import { type AdministeredSession, endStoreSessions, endUserSessions } from '../api.ts'
import type { Act } from './act.tsx'
import { nameOfSession } from './session-columns.tsx'
import { type Undo, useUndo } from './undo.ts'

interface Ending {
  readonly waits: Undo['waits']
  readonly end: (row: AdministeredSession) => void
}

export function useEnding(act: Act): Ending {
  const undo = useUndo()
  return {
    waits: undo.waits,
    end: (row) =>
      undo.later(row.session_id, `Ending ${nameOfSession(row)}…`, () =>
        act.run(async () => {
          const { identity_store_id, user_id, session_id } = row
          const body = { session_ids: [session_id] }
          if (row.kind === 'api') await endStoreSessions({ path: { identity_store_id }, body })
          else await endUserSessions({ path: { identity_store_id, user_id }, body })
          return `${nameOfSession(row)} has ended.`
        }),
      ),
  }
}

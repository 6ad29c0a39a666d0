/** Which back ends may check a session. Which of them did nobody knows: a check writes nothing. */
import { useQuery } from '@tanstack/react-query'
import { bodyOf, type ExplainedSession, listCredentials } from '../api.ts'
import { Instant } from '../common/instant.tsx'
import { Found } from '../common/screen.tsx'
import { Badge } from '../ui.ts'

const CHECKING = 'sessions:introspect'
/** As many as one request answers. */
const MOST = 1_000

interface Shown {
  readonly storeId: string
  readonly timeline: ExplainedSession['timeline']
}

export function BackEnds({ storeId, timeline }: Shown) {
  const credentials = useQuery({
    queryKey: ['back-ends', storeId],
    queryFn: async ({ signal }) => {
      const path = { identity_store_id: storeId }
      const { credentials: all } = await bodyOf(listCredentials({ path, query: { limit: MOST }, signal }))
      return all.filter(({ revoked_at: revokedAt, scopes }) => revokedAt === null && scopes.includes(CHECKING))
    },
  })
  const opener = timeline.find((entry) => entry.event === 'opened')?.by
  return (
    <>
      <h2>Back ends that may check it</h2>
      <p className="subtle">
        And whoever holds its token or cookie. A check writes nothing down, so nobody can say which of them checked this
        session; a back end was last used, for any session, in the hour that is said.
      </p>
      <Found query={credentials}>
        {(found) =>
          found.length === 0 ? (
            <p className="subtle">None: no credential of the store has {CHECKING}.</p>
          ) : (
            <ul className="plain">
              {found.map(({ credential_id: id, name, last_used_at: usedAt }) => (
                <li key={id}>
                  {name} {opener === `credential:${id}` ? <Badge variant="info">Opened it</Badge> : null}{' '}
                  <span className="subtle">last used</span> <Instant at={usedAt} />
                </li>
              ))}
            </ul>
          )
        }
      </Found>
    </>
  )
}

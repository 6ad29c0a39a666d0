/** One session: what happened to it, in order, and the policy that holds for it. */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'wouter'
import { bodyOf, type ExplainedSession, getStoreSession, patchUser } from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { useEnding } from '../common/end.tsx'
import { Instant } from '../common/instant.tsx'
import { RuleList } from '../common/policy.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { Flags, nameOfSession, placeName } from '../common/session-columns.tsx'
import { useStorePath } from '../common/store.ts'
import { useUserSummaries } from '../common/user-names.ts'
import { useMay } from '../session.ts'
import { Badge, Button, ClipboardText, Empty } from '../ui.ts'
import { BackEnds } from './session-back-ends.tsx'
import { Happened } from './session-happened.tsx'

export function Session() {
  const path = { ...useStorePath(), session_id: useParams<{ session: string }>().session }
  const may = useMay()
  const act = useAct()
  const ending = useEnding(act)
  const session = useQuery({
    queryKey: ['session', path],
    queryFn: ({ signal }) => bodyOf(getStoreSession({ path, signal })),
    refetchInterval: ({ state }) => (state.data?.ended_at === null ? 10_000 : false),
  })
  const found = session.data
  const { known } = useUserSummaries(found === undefined ? [] : [found.user_id])
  const name = known.get(found?.user_id ?? '')?.username
  const [locking, setLocking] = useState(false)
  return (
    <Screen
      title={found === undefined ? 'Session' : nameOfSession(found, name)}
      about={
        found === undefined
          ? undefined
          : found.source === 'object'
            ? "Exact, from the user's object."
            : 'Mirror, from D1.'
      }
      acts={
        found?.ended_at === null && may('operator:sessions') ? (
          <>
            {may('operator:stores') ? <Button onClick={() => setLocking(true)}>End and disable the user</Button> : null}
            <Button variant="destructive" disabled={ending.goes(found)} onClick={() => ending.end(found)}>
              End this session
            </Button>
          </>
        ) : undefined
      }
    >
      <Outcome act={act} />
      <Found query={session}>
        {(data) => (
          <>
            <Facts session={data} username={name} />
            <h2>What happened</h2>
            <ol className="timeline">
              {data.timeline.map((entry) => (
                <li key={`${entry.at}${entry.event}`}>
                  <Instant at={entry.at} />
                  <div>
                    <Happened entry={entry} storeId={path.identity_store_id} />
                  </div>
                </li>
              ))}
            </ol>
            <h2>Policy</h2>
            {data.policy === null ? (
              <Empty
                size="sm"
                title="No policy holds for it any more"
                description="The session has ended; the timeline says by which rule, if one ended it."
              />
            ) : (
              <RuleList rules={data.policy} />
            )}
            {data.ended_at === null ? <BackEnds storeId={data.identity_store_id} timeline={data.timeline} /> : null}
          </>
        )}
      </Found>
      <Confirmation
        title={`End this session and disable ${name ?? found?.user_id}?`}
        act="Disable the user"
        open={locking}
        onClose={() => setLocking(false)}
        onConfirm={() =>
          act.run(async () => {
            const { identity_store_id } = path
            await patchUser({ path: { identity_store_id, user_id: found?.user_id ?? '' }, body: { active: false } })
            return `${name ?? found?.user_id} is disabled, and signed out everywhere.`
          })
        }
      >
        <p>All sessions of the user end, this one too, and none can be opened until the user is enabled again.</p>
      </Confirmation>
    </Screen>
  )
}

function Facts({ session, username }: { readonly session: ExplainedSession; readonly username: string | undefined }) {
  const { identity_store_id: storeId, user_id: userId } = session
  return (
    <dl className="facts">
      <Fact name="State">
        {session.ended_at === null ? <Badge variant="success">Live</Badge> : <Badge variant="neutral">Ended</Badge>}{' '}
        <Flags row={session} />
      </Fact>
      <Fact name="User">
        <Link className="link" href={`/stores/${storeId}/users/${userId}`}>
          {username ?? userId}
        </Link>{' '}
        {username === undefined ? null : <span className="subtle mono">{userId}</span>}
      </Fact>
      <Fact name="Last seen">
        <Instant at={session.last_seen_at} />
      </Fact>
      <Fact name="Place">
        {placeName(session)} <span className="mono">{session.address}</span>
      </Fact>
      {session.ended_at === null ? (
        <>
          <Fact name="Overall timeout">
            {session.expires_at === null ? 'Not known' : <Instant at={session.expires_at} />}
          </Fact>
          <Fact name="Inactivity timeout">
            {session.idles_out_at === null ? 'It does not idle out' : <Instant at={session.idles_out_at} />}
          </Fact>
        </>
      ) : null}
      <Fact name="Session id">
        <ClipboardText text={session.session_id} size="sm" />
      </Fact>
    </dl>
  )
}

export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt className="subtle">{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

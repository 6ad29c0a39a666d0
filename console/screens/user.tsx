/** One user: who it is, the sessions exactly as they are, and what an administrator can do about them. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useParams } from 'wouter'
import {
  bodyOf,
  deleteLockout,
  endUserSessions,
  getUser,
  listLockouts,
  listUserSessions,
  patchUser,
  type User as UserBody,
} from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { endColumn, useEnding } from '../common/end.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useSelection } from '../common/selection.ts'
import { idOfSession, LIVE_OF_USER, nameOfSession } from '../common/session-columns.tsx'
import { useStorePath } from '../common/store.ts'
import { many, ROLES } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Badge, Banner, Button, ClipboardText, Empty } from '../ui.ts'
import { NewPassword } from './new-password.tsx'
import { Fact } from './session.tsx'
import { Past } from './user-past.tsx'
import { UserPolicy } from './user-policy.tsx'

type Asked = 'end' | 'disable' | 'password' | null

export function User() {
  const store = useStorePath()
  const path = { ...store, user_id: useParams<{ user: string }>().user }
  const { user_id: userId } = path
  const may = useMay()
  const act = useAct()
  const ending = useEnding(act)
  const kept = useSelection(idOfSession)
  const [asked, setAsked] = useState<Asked>(null)

  const user = useQuery({ queryKey: ['user', path], queryFn: ({ signal }) => bodyOf(getUser({ path, signal })) })
  const live = useQuery({
    queryKey: ['user-sessions', path],
    queryFn: ({ signal }) => bodyOf(listUserSessions({ path, signal })),
    refetchInterval: kept.chosen.length === 0 ? 5_000 : false,
  })
  const count = live.data?.sessions.length ?? 0
  const ends = count - kept.chosen.length

  function endAll() {
    act.run(async () => {
      const body =
        kept.chosen.length === 0 ? { all: true as const } : { except_session_ids: kept.chosen.map(idOfSession) }
      const { ended } = await bodyOf(endUserSessions({ path, body }))
      kept.clear()
      return `${many(ended.length, 'session')} ended.`
    })
  }
  function change(body: { active?: boolean; password?: string }, said: string) {
    act.run(async () => {
      await patchUser({ path, body })
      return said
    })
  }
  const acts =
    user.data === undefined ? null : (
      <>
        {may('operator:sessions') && count > 0 ? (
          <Button variant="destructive" disabled={ends === 0} onClick={() => setAsked('end')}>
            {kept.chosen.length === 0 ? `End all ${count}` : `End all but the ${kept.chosen.length} selected`}
          </Button>
        ) : null}
        {may('operator:stores') ? (
          <>
            <Button onClick={() => setAsked('password')}>New password</Button>
            {user.data.active ? (
              <Button onClick={() => setAsked('disable')}>Disable</Button>
            ) : (
              <Button onClick={() => change({ active: true }, `${userId} may sign in again.`)}>Enable</Button>
            )}
          </>
        ) : null}
      </>
    )
  return (
    <Screen title={user.data?.username ?? userId} acts={acts}>
      <Outcome act={act} />
      <Found query={user}>{(data) => <Facts user={data} />}</Found>
      <Locked
        userId={userId}
        unlock={(lockoutId) =>
          act.run(async () => {
            await deleteLockout({ path: { ...store, lockout_id: lockoutId } })
            return `${userId} may try again at once.`
          })
        }
      />
      <h2>Live sessions</h2>
      <p className="subtle">Exact, from the user's object.</p>
      <Found query={live}>
        {({ sessions }) =>
          sessions.length === 0 ? (
            <Empty size="sm" title="Not signed in" description="This user has no live web session." />
          ) : (
            <List
              label="Live sessions"
              rows={sessions}
              idOf={idOfSession}
              nameOf={nameOfSession}
              selection={kept}
              faded={ending.goes}
              columns={[...LIVE_OF_USER, endColumn(ending, may('operator:sessions'))]}
            />
          )
        }
      </Found>
      <UserPolicy path={path} act={act} />
      <Past userId={userId} />
      <Confirmation
        title={`End ${many(ends, 'session')} of ${userId}?`}
        act={`End ${many(ends, 'session')}`}
        open={asked === 'end'}
        onClose={() => setAsked(null)}
        onConfirm={endAll}
      >
        <p>
          {kept.chosen.length === 0 ? 'The user has to sign in again everywhere.' : 'The selected sessions stay.'} An
          end cannot be taken back.
        </p>
      </Confirmation>
      <Confirmation
        title={`Disable ${userId}?`}
        act="Disable the user"
        open={asked === 'disable'}
        onClose={() => setAsked(null)}
        onConfirm={() => change({ active: false }, `${userId} is disabled.`)}
      >
        <p>{many(count, 'session')} will end, and none can be opened until the user is enabled again.</p>
      </Confirmation>
      <NewPassword
        open={asked === 'password'}
        onClose={() => setAsked(null)}
        onSet={(password) => change({ password }, `${userId} has a new password; all sessions ended.`)}
      />
    </Screen>
  )
}

function Facts({ user }: { readonly user: UserBody }) {
  return (
    <dl className="facts">
      <Fact name="User id">
        <ClipboardText text={user.user_id} size="sm" />
      </Fact>
      <Fact name="Status">
        {user.active ? <Badge variant="success">Active</Badge> : <Badge variant="error">Disabled</Badge>}
        {user.bot ? <Badge variant="secondary">Bot</Badge> : null}
      </Fact>
      <Fact name="Role">{ROLES[user.role] ?? user.role}</Fact>
      <Fact name="Group">{user.group_id ?? 'None'}</Fact>
      <Fact name="Login mode">{user.login_mode ?? "The store's"}</Fact>
      <Fact name="Password">{user.has_password ? 'Set' : 'None'}</Fact>
      <Fact name="Made">
        <Instant at={user.created_at} />
      </Fact>
    </dl>
  )
}

function Locked({ userId, unlock }: { readonly userId: string; readonly unlock: (lockoutId: string) => void }) {
  const path = useStorePath()
  const may = useMay()
  const lockouts = useQuery({
    queryKey: ['lockouts', path, 'user'],
    queryFn: ({ signal }) => bodyOf(listLockouts({ path, query: { limit: 1_000 }, signal })),
    refetchInterval: 15_000,
  })
  const own = lockouts.data?.lockouts.filter((each) => each.user_id === userId) ?? []
  return own.map((each) => (
    <Banner
      key={each.lockout_id}
      variant="alert"
      title={`Locked for ${each.address} after ${many(each.wrong_passwords, 'wrong password')}`}
      description={<Instant at={each.locked_until} />}
      action={may('operator:sessions') ? <Button onClick={() => unlock(each.lockout_id)}>Unlock</Button> : undefined}
    />
  ))
}

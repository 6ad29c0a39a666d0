/** What is done to the users that are selected: each says what became of it. */
import { useState } from 'react'
import {
  bodyOf,
  deleteUserSessionSettings,
  endUserSessions,
  patchUser,
  putUserSessionSettings,
  type User,
} from '../api.ts'
import { Confirmation } from '../common/confirmation.tsx'
import type { Each } from '../common/each.tsx'
import { FormDialog } from '../common/form-dialog.tsx'
import type { Selection } from '../common/selection.ts'
import { SettingsFields, settingsIn } from '../common/settings-fields.tsx'
import { many } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Button } from '../ui.ts'

interface Shown {
  readonly selection: Selection<User>
  readonly each: Each
}

export function UsersActs({ selection, each }: Shown) {
  const may = useMay()
  const [asked, setAsked] = useState<'end' | 'settings' | 'disable' | null>(null)
  const chosen = selection.chosen.length
  const close = () => setAsked(null)
  function forEach(doing: (path: Pick<User, 'identity_store_id' | 'user_id'>) => Promise<string>) {
    const pathOf = ({ identity_store_id, user_id }: User) => ({ identity_store_id, user_id })
    each.run(
      selection.chosen,
      ({ username }) => username,
      (user) => doing(pathOf(user)),
    )
    selection.clear()
  }
  return (
    <>
      <Button variant="ghost" onClick={selection.clear}>
        Select none
      </Button>
      {may('operator:sessions') ? <Button onClick={() => setAsked('end')}>End sessions of {chosen}</Button> : null}
      {may('operator:policy') ? <Button onClick={() => setAsked('settings')}>Settings of {chosen}</Button> : null}
      {may('operator:stores') ? <Button onClick={() => setAsked('disable')}>Disable {chosen}</Button> : null}
      <Confirmation
        title={`End all sessions of ${many(chosen, 'user')}?`}
        act={`End the sessions of ${many(chosen, 'user')}`}
        open={asked === 'end'}
        onClose={close}
        onConfirm={() =>
          forEach(async (path) => {
            const { ended } = await bodyOf(endUserSessions({ path, body: { all: true } }))
            return `${many(ended.length, 'session')} ended`
          })
        }
      >
        <p>They have to sign in again everywhere. An end cannot be taken back.</p>
      </Confirmation>
      {asked === 'settings' ? (
        <FormDialog
          title={`Session settings of ${many(chosen, 'user')}`}
          about={
            <p>They go before group and store. Both left out: the users have no settings of their own any more.</p>
          }
          act={`Set for ${many(chosen, 'user')}`}
          onClose={close}
          onSend={(form) => {
            const body = settingsIn(form)
            const none = body.duration_seconds === null && body.desktop_app_browser_quit === null
            forEach(async (path) => {
              if (none) await deleteUserSessionSettings({ path })
              else await putUserSessionSettings({ path, body })
              return none ? 'cleared' : 'set'
            })
          }}
        >
          <SettingsFields settings={null} />
        </FormDialog>
      ) : null}
      <Confirmation
        title={`Disable ${many(chosen, 'user')}?`}
        act={`Disable ${many(chosen, 'user')}`}
        open={asked === 'disable'}
        onClose={close}
        onConfirm={() =>
          forEach(async (path) => {
            await patchUser({ path, body: { active: false } })
            return 'disabled'
          })
        }
      >
        <p>All their sessions end, and none can be opened until they are enabled again.</p>
      </Confirmation>
    </>
  )
}

/** The policy of a user with the layers, and the user's own session settings. */
import { useQuery } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import {
  bodyOf,
  deleteUserSessionSettings,
  getUserPolicy,
  getUserSessionSettings,
  putUserSessionSettings,
} from '../api.ts'
import type { Act } from '../common/act.tsx'
import { RuleList } from '../common/policy.tsx'
import { Found } from '../common/screen.tsx'
import { SettingsFields, settingsIn } from '../common/settings-fields.tsx'
import { Refusal } from '../http.ts'
import { useMay } from '../session.ts'
import { Button, LayerCard } from '../ui.ts'

interface Shown {
  readonly path: { readonly identity_store_id: string; readonly user_id: string }
  readonly act: Act
}

export function UserPolicy({ path, act }: Shown) {
  const may = useMay()
  const policy = useQuery({
    queryKey: ['policy', path],
    queryFn: ({ signal }) => bodyOf(getUserPolicy({ path, signal })),
  })
  const settings = useQuery({
    queryKey: ['session-settings', path],
    // Who has none is not there: that is no failure.
    queryFn: ({ signal }) =>
      bodyOf(getUserSessionSettings({ path, signal })).catch((error: unknown) => {
        if (error instanceof Refusal && error.status === 404) return null
        throw error
      }),
  })
  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const body = settingsIn(new FormData(event.currentTarget))
    act.run(async () => {
      await putUserSessionSettings({ path, body })
      return 'The settings are saved; sessions keep to them from now on.'
    })
  }
  return (
    <>
      <h2>Policy</h2>
      <Found query={policy}>{({ rules }) => <RuleList rules={rules} />}</Found>
      <h2>Own session settings</h2>
      <Found query={settings}>
        {(found) => (
          <LayerCard className="card wide">
            <form key={JSON.stringify(found)} onSubmit={save} className="filters">
              <SettingsFields settings={found} disabled={!may('operator:policy')} />
              {may('operator:policy') ? (
                <>
                  <Button type="submit">Save</Button>
                  {found?.duration_seconds == null && found?.desktop_app_browser_quit == null ? null : (
                    <Button
                      variant="ghost"
                      onClick={() =>
                        act.run(async () => {
                          await deleteUserSessionSettings({ path })
                          return 'The user has no settings of their own any more.'
                        })
                      }
                    >
                      Clear
                    </Button>
                  )}
                </>
              ) : null}
            </form>
          </LayerCard>
        )}
      </Found>
    </>
  )
}

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
import { spanInWords } from '../common/instant.tsx'
import { RuleList } from '../common/policy.tsx'
import { Found } from '../common/screen.tsx'
import { Refusal } from '../http.ts'
import { useMay } from '../session.ts'
import { Button, Input, LayerCard, Select } from '../ui.ts'

interface Shown {
  readonly path: { readonly identity_store_id: string; readonly user_id: string }
  readonly act: Act
}

const QUIT: Readonly<Record<string, string>> = {
  none: 'Left to the other layers',
  true: 'Sessions end with the browser',
  false: 'Sessions may outlive the browser',
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
    const form = new FormData(event.currentTarget)
    const hours = String(form.get('hours'))
    const quit = String(form.get('quit'))
    act.run(async () => {
      await putUserSessionSettings({
        path,
        body: {
          duration_seconds: hours === '' ? null : Math.round(Number(hours) * 3600),
          desktop_app_browser_quit: quit === 'none' ? null : quit === 'true',
        },
      })
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
              <Input
                name="hours"
                label="Sessions last, in hours"
                description={
                  found?.duration_seconds == null
                    ? 'Empty: left to the other layers'
                    : spanInWords(found.duration_seconds)
                }
                type="number"
                min={8}
                step="any"
                defaultValue={found?.duration_seconds == null ? '' : found.duration_seconds / 3600}
                disabled={!may('operator:policy')}
              />
              <Select
                name="quit"
                label="When the browser quits"
                items={QUIT}
                defaultValue={String(found?.desktop_app_browser_quit ?? 'none')}
                disabled={!may('operator:policy')}
              />
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

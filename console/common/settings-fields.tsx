/** The fields of session settings, of one user or of many. */
import { Input, Select } from '../ui.ts'
import { spanInWords } from './instant.tsx'

export interface Settings {
  readonly duration_seconds: number | null
  readonly desktop_app_browser_quit: boolean | null
}

const QUIT: Readonly<Record<string, string>> = {
  none: 'Left to the other layers',
  true: 'Sessions end with the browser',
  false: 'Sessions may outlive the browser',
}

export function SettingsFields({
  settings,
  disabled,
}: {
  readonly settings: Settings | null
  readonly disabled?: boolean
}) {
  const seconds = settings?.duration_seconds ?? null
  return (
    <>
      <Input
        name="hours"
        label="Sessions last, in hours"
        description={seconds === null ? 'From 8 on. Empty: left to the other layers' : spanInWords(seconds)}
        type="number"
        min={8}
        step="any"
        defaultValue={seconds === null ? '' : seconds / 3600}
        disabled={disabled}
      />
      <Select
        name="quit"
        label="When the browser quits"
        items={QUIT}
        defaultValue={String(settings?.desktop_app_browser_quit ?? 'none')}
        disabled={disabled}
      />
    </>
  )
}

export function settingsIn(form: FormData): Settings {
  const hours = String(form.get('hours') ?? '')
  const quit = String(form.get('quit') ?? 'none')
  return {
    duration_seconds: hours === '' ? null : Math.round(Number(hours) * 3600),
    desktop_app_browser_quit: quit === 'none' ? null : quit === 'true',
  }
}

/** The rules of a session config as fields of a form: of the store, and of a group. */
import type { SessionConfig } from '../api.ts'
import { WHEN_REACHED } from '../common/words.ts'
import { Input, Select } from '../ui.ts'

type Concurrent = SessionConfig['concurrent_sessions']

export function OverallField({ seconds }: { readonly seconds: number | null }) {
  return (
    <Input
      name="overall"
      label="A session ends, however much it is used, after so many minutes"
      description="From 5 minutes to 43,200 (30 days)."
      type="number"
      min={5}
      max={43_200}
      step="any"
      required
      defaultValue={minutes(seconds)}
    />
  )
}

interface Idle {
  readonly value: string
  readonly onValue: (value: string) => void
}

export function IdleField({ value, onValue }: Idle) {
  return (
    <Input
      label="A session ends when nobody has used it for so many minutes"
      description="From 1 minute to 43,200. Empty: sessions do not idle out."
      type="number"
      min={1}
      max={43_200}
      step="any"
      value={value}
      onChange={(event) => onValue(event.target.value)}
    />
  )
}

interface Limits {
  readonly concurrent: Concurrent | null
  readonly onChange?: () => void
}

export function LimitFields({ concurrent, onChange }: Limits) {
  const kinds = concurrent?.by_client_kind
  const limit = { type: 'number', min: 1, max: 1_000 } as const
  return (
    <>
      <Input
        {...limit}
        name="limit"
        label="A user may have so many sessions at once"
        description="Empty: as many as the service allows."
        defaultValue={concurrent?.limit ?? ''}
      />
      <div className="pair">
        <Input
          {...limit}
          name="web"
          label="Of these in browsers"
          description="Empty: no limit of their own."
          defaultValue={kinds?.web ?? ''}
        />
        <Input
          {...limit}
          name="mobile"
          label="Of these on phones and tablets"
          description="Empty: no limit of their own."
          defaultValue={kinds?.mobile ?? ''}
        />
      </div>
      <Select
        name="when"
        label="When one more is opened"
        items={WHEN_REACHED}
        defaultValue={concurrent?.when_reached ?? 'evict_oldest'}
        onValueChange={onChange}
      />
    </>
  )
}

/** What the fields say of sessions at once. */
export function concurrentIn(form: FormData): Concurrent {
  const number = (name: string) => (form.get(name) === '' ? null : Number(form.get(name)))
  const [web, mobile] = [number('web'), number('mobile')]
  return {
    limit: number('limit'),
    when_reached: String(form.get('when')) as Concurrent['when_reached'],
    by_client_kind: web === null && mobile === null ? null : { web, mobile },
  }
}

export function minutes(seconds: number | null): string {
  return seconds === null ? '' : String(seconds / 60)
}

export function secondsIn(text: string): number {
  return Math.round(Number(text) * 60)
}

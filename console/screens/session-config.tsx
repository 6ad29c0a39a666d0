/** The session config of a store: in words, changed only after a look at whom the change ends, and put back. */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import {
  bodyOf,
  type SessionConfig as ConfigBody,
  getSessionConfig,
  patchSessionConfig,
  previewSessionConfig,
  type SessionConfigChange,
  type SessionConfigPreview,
} from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { many, WHEN_REACHED } from '../common/words.ts'
import { Refusal } from '../http.ts'
import { useMay } from '../session.ts'
import { Banner, Button, Input, LayerCard, Select, Switch } from '../ui.ts'
import { ConfigVersions } from './config-versions.tsx'

interface Previewed {
  readonly change: SessionConfigChange
  readonly preview: SessionConfigPreview
  /** Why the preview was made again. */
  readonly again: boolean
}

export function SessionConfig() {
  const path = useStorePath()
  const may = useMay()
  const act = useAct()
  const [previewed, setPreviewed] = useState<Previewed | null>(null)
  const config = useQuery({
    queryKey: ['session-config', path],
    queryFn: ({ signal }) => bodyOf(getSessionConfig({ path, signal })),
  })
  async function preview(change: SessionConfigChange, again: boolean) {
    setPreviewed({ change, preview: await bodyOf(previewSessionConfig({ path, body: change })), again })
    return null
  }
  function save({ change, preview: { version } }: Previewed) {
    act.run(async () => {
      try {
        const saved = await bodyOf(patchSessionConfig({ path, body: change, headers: { 'if-match': `"${version}"` } }))
        setPreviewed(null)
        return `Saved as version ${saved.version}.`
      } catch (error) {
        // Somebody else was faster: what the change would end now is another thing.
        if (error instanceof Refusal && error.code === 'precondition_failed') return preview(change, true)
        throw error
      }
    })
  }
  return (
    <Screen
      title="Session config"
      about={
        config.data === undefined
          ? undefined
          : `Version ${config.data.version}. It holds for every user whose group or own settings say nothing else.`
      }
    >
      <Outcome act={act} />
      <Found query={config}>
        {(found) => (
          <Form
            key={found.version}
            config={found}
            readOnly={!may('operator:policy')}
            onChange={() => setPreviewed(null)}
            onPreview={(change) => act.run(() => preview(change, false))}
          />
        )}
      </Found>
      {previewed === null ? null : (
        <Preview
          previewed={previewed}
          pending={act.isPending}
          onSave={() => save(previewed)}
          onDrop={() => setPreviewed(null)}
        />
      )}
      <ConfigVersions act={act} />
    </Screen>
  )
}

function Form({
  config,
  readOnly,
  onChange,
  onPreview,
}: {
  readonly config: ConfigBody
  readonly readOnly: boolean
  readonly onChange: () => void
  readonly onPreview: (change: SessionConfigChange) => void
}) {
  const { concurrent_sessions: concurrent } = config
  const [persistent, setPersistent] = useState(config.persistent_cookies)
  const [places, setPlaces] = useState(config.track_location)
  const [whenReached, setWhenReached] = useState<string>(concurrent.when_reached)
  const [idle, setIdle] = useState(minutes(config.inactivity_timeout_seconds))
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const limit = String(form.get('limit'))
    onPreview({
      overall_timeout_seconds: Math.round(Number(form.get('overall')) * 60),
      inactivity_timeout_seconds: idle === '' ? null : Math.round(Number(idle) * 60),
      concurrent_sessions: {
        limit: limit === '' ? null : Number(limit),
        when_reached: whenReached as 'refuse',
      },
      persistent_cookies: persistent,
      track_location: places,
    })
  }
  return (
    <LayerCard className="card wide">
      <form onSubmit={submit} onChange={onChange}>
        <fieldset disabled={readOnly} className="stack">
          <legend className="unseen">Rules</legend>
          <Input
            name="overall"
            label="A session ends, however much it is used, after so many minutes"
            description="From 5 minutes to 43,200 (30 days)."
            type="number"
            min={5}
            max={43_200}
            step="any"
            required
            defaultValue={minutes(config.overall_timeout_seconds)}
          />
          <Input
            label="A session ends when nobody has used it for so many minutes"
            description="From 1 minute to 43,200. Empty: sessions do not idle out."
            type="number"
            min={1}
            max={43_200}
            step="any"
            value={idle}
            onChange={(event) => setIdle(event.target.value)}
          />
          {idle !== '' && persistent ? (
            <Banner
              variant="secondary"
              title="Sessions that idle out usually end with the browser too."
              action={
                <Button
                  onClick={() => {
                    setPersistent(false)
                    onChange()
                  }}
                >
                  Let no cookie outlive the browser
                </Button>
              }
            />
          ) : null}
          <Input
            name="limit"
            label="A user may have so many sessions at once"
            description="Empty: as many as the service allows."
            type="number"
            min={1}
            max={1_000}
            defaultValue={concurrent.limit ?? ''}
          />
          <Select
            label="When one more is opened"
            items={WHEN_REACHED}
            value={whenReached}
            onValueChange={(value) => {
              setWhenReached(String(value))
              onChange()
            }}
          />
          <Switch label="A cookie may outlive the browser" checked={persistent} onCheckedChange={setPersistent} />
          <Switch label="The places of sessions are kept" checked={places} onCheckedChange={setPlaces} />
          {readOnly ? null : (
            <div className="acts">
              <Button type="submit" variant="primary">
                Preview the change
              </Button>
            </div>
          )}
        </fieldset>
      </form>
    </LayerCard>
  )
}

function Preview({
  previewed: { preview, again },
  pending,
  onSave,
  onDrop,
}: {
  readonly previewed: Previewed
  readonly pending: boolean
  readonly onSave: () => void
  readonly onDrop: () => void
}) {
  const { overall_timeout: overall, inactivity_timeout: idle, concurrent_sessions: limit } = preview.by_rule
  return (
    <LayerCard className="card wide">
      <h2>Preview</h2>
      {again ? (
        <Banner
          variant="alert"
          title={`Somebody changed the config meanwhile. This preview is of your change to version ${preview.version}.`}
        />
      ) : null}
      <p>
        <strong>
          Ends now: {many(preview.sessions, 'live session')}, of {many(preview.users, 'user')}
        </strong>
      </p>
      <ul className="plain">
        {(
          [
            ['by the overall timeout', overall],
            ['by the inactivity timeout', idle],
            ['by the limit of sessions at once', limit],
          ] as const
        ).map(([by, rule]) => (
          <li key={by}>
            {rule.exact ? '' : 'at most '}
            {many(rule.sessions, 'session')} {by}
            {rule.exact ? '' : ' (the last activity is known to the objects of the users only)'}
          </li>
        ))}
      </ul>
      <div className="acts">
        <Button onClick={onDrop}>Drop the change</Button>
        <Button variant={preview.sessions > 0 ? 'destructive' : 'primary'} loading={pending} onClick={onSave}>
          {preview.sessions > 0 ? `Save and end ${many(preview.sessions, 'session')}` : 'Save'}
        </Button>
      </div>
    </LayerCard>
  )
}

function minutes(seconds: number | null): string {
  return seconds === null ? '' : String(seconds / 60)
}

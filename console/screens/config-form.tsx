/** The session config of a store as a form, which gives what differs from the config and nothing else. */
import { type FormEvent, useState } from 'react'
import type { SessionConfig, SessionConfigChange } from '../api.ts'
import { Banner, Button, LayerCard, Switch } from '../ui.ts'
import { concurrentIn, IdleField, LimitFields, minutes, OverallField, secondsIn } from './config-fields.tsx'

interface Shown {
  readonly config: SessionConfig
  readonly readOnly: boolean
  readonly onChange: () => void
  readonly onPreview: (change: SessionConfigChange) => void
}

export function ConfigForm({ config, readOnly, onChange, onPreview }: Shown) {
  const [persistent, setPersistent] = useState(config.persistent_cookies)
  const [places, setPlaces] = useState(config.track_location)
  const [idle, setIdle] = useState(minutes(config.inactivity_timeout_seconds))
  const [same, setSame] = useState(false)
  function changed() {
    setSame(false)
    onChange()
  }
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const change = difference(config, {
      overall_timeout_seconds: secondsIn(String(form.get('overall'))),
      inactivity_timeout_seconds: idle === '' ? null : secondsIn(idle),
      concurrent_sessions: concurrentIn(form),
      persistent_cookies: persistent,
      track_location: places,
    })
    setSame(change === null)
    if (change !== null) onPreview(change)
  }
  return (
    <LayerCard className="card wide">
      <form onSubmit={submit} onChange={changed}>
        <fieldset disabled={readOnly} className="stack">
          <legend className="unseen">Rules</legend>
          <OverallField seconds={config.overall_timeout_seconds} />
          <IdleField value={idle} onValue={setIdle} />
          {idle !== '' && persistent ? (
            <Banner
              variant="secondary"
              title="Sessions that idle out usually end with the browser too."
              action={
                <Button
                  onClick={() => {
                    setPersistent(false)
                    changed()
                  }}
                >
                  Let no cookie outlive the browser
                </Button>
              }
            />
          ) : null}
          <LimitFields concurrent={config.concurrent_sessions} onChange={changed} />
          <Switch label="A cookie may outlive the browser" checked={persistent} onCheckedChange={setPersistent} />
          <Switch label="The places of sessions are kept" checked={places} onCheckedChange={setPlaces} />
          {readOnly ? null : (
            <div className="acts">
              {same ? <p role="status">Nothing differs from what holds now.</p> : null}
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

type Rules = Omit<SessionConfig, 'version'>

/** What of `wanted` is not so now: a rule that somebody else changes meanwhile stays theirs. Null: nothing. */
function difference(now: Rules, wanted: Rules): SessionConfigChange | null {
  const differs = <T extends object>(before: T, after: T) =>
    Object.fromEntries(
      (Object.keys(after) as (keyof T)[])
        .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
        .map((name) => [name, after[name]]),
    )
  const { concurrent_sessions: before, ...rules } = now
  const { concurrent_sessions: after, ...others } = wanted
  const concurrent = differs(before, after)
  const change = {
    ...differs<Omit<Rules, 'concurrent_sessions'>>(rules, others),
    ...(Object.keys(concurrent).length === 0 ? {} : { concurrent_sessions: concurrent }),
  }
  return Object.keys(change).length === 0 ? null : change
}

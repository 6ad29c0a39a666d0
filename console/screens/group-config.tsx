/** What a group says for its users, before the store's config: rule by rule, or nothing. */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import {
  bodyOf,
  deleteGroupSessionConfig,
  type GroupSessionConfig,
  getGroupSessionConfig,
  putGroupSessionConfig,
} from '../api.ts'
import type { Act } from '../common/act.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Found } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { useMay } from '../session.ts'
import { Button, Checkbox, Empty, Input, LayerCard } from '../ui.ts'
import { concurrentIn, IdleField, LimitFields, minutes, OverallField, secondsIn } from './config-fields.tsx'

export function GroupConfig({ act }: { readonly act: Act }) {
  const path = useStorePath()
  const url = useUrlState()
  const groupId = url.values.get('group') ?? ''
  const config = useQuery({
    queryKey: ['group-config', path, groupId],
    queryFn: ({ signal }) => bodyOf(getGroupSessionConfig({ path: { ...path, group_id: groupId }, signal })),
    enabled: groupId !== '',
  })
  function choose(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    url.set({ group: String(new FormData(event.currentTarget).get('group')).trim() })
  }
  return (
    <>
      <h2>Groups</h2>
      <p className="subtle">
        What a group says goes before the store's config, and the user's own settings before both.
      </p>
      <form className="filters" onSubmit={choose}>
        <Input key={groupId} name="group" label="Group id" defaultValue={groupId} size="sm" required />
        <Button type="submit" size="sm">
          Show
        </Button>
      </form>
      {groupId === '' ? (
        <Empty size="sm" title="No group is chosen" description="Type a group's id; the list of users shows them." />
      ) : (
        <Found query={config}>
          {(found) => <GroupForm key={`${groupId} ${found.version}`} config={found} act={act} />}
        </Found>
      )}
    </>
  )
}

function GroupForm({ config, act }: { readonly config: GroupSessionConfig; readonly act: Act }) {
  const path = { ...useStorePath(), group_id: config.group_id }
  const may = useMay()
  const {
    overall_timeout_seconds: overall,
    inactivity_timeout_seconds: idleSeconds,
    concurrent_sessions: concurrent,
  } = config
  const [saysOverall, setSaysOverall] = useState(overall !== undefined)
  const [saysIdle, setSaysIdle] = useState(idleSeconds !== undefined)
  const [saysLimit, setSaysLimit] = useState(concurrent !== undefined)
  const [idle, setIdle] = useState(minutes(idleSeconds ?? null))
  const [asked, setAsked] = useState(false)
  const isSet = overall !== undefined || idleSeconds !== undefined || concurrent !== undefined
  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    act.run(async () => {
      await putGroupSessionConfig({
        path,
        body: {
          ...(saysOverall ? { overall_timeout_seconds: secondsIn(String(form.get('overall'))) } : {}),
          ...(saysIdle ? { inactivity_timeout_seconds: idle === '' ? null : secondsIn(idle) } : {}),
          ...(saysLimit ? { concurrent_sessions: concurrentIn(form) } : {}),
        },
      })
      return `The config of ${path.group_id} is saved; its users' sessions keep to it.`
    })
  }
  return (
    <LayerCard className="card wide">
      <form onSubmit={save}>
        <fieldset className="stack" disabled={!may('operator:policy')}>
          <legend>
            Rules of <span className="mono">{config.group_id}</span>
          </legend>
          <Checkbox label="An overall timeout of its own" checked={saysOverall} onCheckedChange={setSaysOverall} />
          {saysOverall ? <OverallField seconds={overall ?? null} /> : null}
          <Checkbox label="An inactivity timeout of its own" checked={saysIdle} onCheckedChange={setSaysIdle} />
          {saysIdle ? <IdleField value={idle} onValue={setIdle} /> : null}
          <Checkbox label="Limits of its own of sessions at once" checked={saysLimit} onCheckedChange={setSaysLimit} />
          {saysLimit ? <LimitFields concurrent={concurrent ?? null} /> : null}
          {may('operator:policy') ? (
            <div className="acts">
              {isSet ? <Button onClick={() => setAsked(true)}>Remove</Button> : null}
              <Button type="submit" variant="primary">
                Save for the group
              </Button>
            </div>
          ) : null}
        </fieldset>
      </form>
      <Confirmation
        title={`Remove the rules of ${config.group_id}?`}
        act="Remove them"
        open={asked}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          act.run(async () => {
            await deleteGroupSessionConfig({ path })
            return `The store's config decides for ${path.group_id} again.`
          })
        }
      >
        <p>The store's config decides for its users again; sessions that are past its limits end.</p>
      </Confirmation>
    </LayerCard>
  )
}

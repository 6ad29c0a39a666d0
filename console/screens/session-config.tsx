/** The session config of a store: in words, changed only after a look at whom the change ends, and put back. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  bodyOf,
  countStoreSessions,
  getSessionConfig,
  patchSessionConfig,
  previewSessionConfig,
  type SessionConfigChange,
  type SessionConfigPreview,
} from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { Refusal } from '../http.ts'
import { useMay } from '../session.ts'
import { ConfigForm } from './config-form.tsx'
import { ConfigPreview } from './config-preview.tsx'
import { ConfigVersions } from './config-versions.tsx'
import { GroupConfig } from './group-config.tsx'

interface Previewed {
  readonly change: SessionConfigChange
  readonly preview: SessionConfigPreview
  readonly live: number | null
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
    const [found, { count, exact }] = await Promise.all([
      bodyOf(previewSessionConfig({ path, body: change })),
      bodyOf(countStoreSessions({ path, query: { state: 'live' } })),
    ])
    setPreviewed({ change, preview: found, live: exact ? count : null, again })
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
          : `Exact, version ${config.data.version}. It holds for every user whose group or own settings say nothing else.`
      }
    >
      <Outcome act={act} />
      <Found query={config}>
        {(found) => (
          <ConfigForm
            key={found.version}
            config={found}
            readOnly={!may('operator:policy')}
            onChange={() => setPreviewed(null)}
            onPreview={(change) => act.run(() => preview(change, false))}
          />
        )}
      </Found>
      {previewed === null ? null : (
        <ConfigPreview
          {...previewed}
          pending={act.isPending}
          onSave={() => save(previewed)}
          onDrop={() => setPreviewed(null)}
        />
      )}
      <GroupConfig act={act} />
      <ConfigVersions act={act} />
    </Screen>
  )
}

/** The versions of a session config, each with what it changed; one can be put back. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bodyOf, listSessionConfigVersions, previewSessionConfig, restoreSessionConfigVersion } from '../api.ts'
import type { Act } from '../common/act.tsx'
import { Changes } from '../common/changes.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Found } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { Whole } from '../common/whole.tsx'
import { useMay } from '../session.ts'
import { Button, Empty } from '../ui.ts'
import { WhatEnds } from './config-preview.tsx'

export function ConfigVersions({ act }: { readonly act: Act }) {
  const path = useStorePath()
  const may = useMay()
  const [back, setBack] = useState<number | null>(null)
  const versions = useQuery({
    queryKey: ['config-versions', path],
    queryFn: ({ signal }) => bodyOf(listSessionConfigVersions({ path, query: { limit: 50 }, signal })),
  })
  const config = versions.data?.versions.find(({ version }) => version === back)?.config
  const preview = useQuery({
    queryKey: ['config-preview', path, config],
    queryFn: () => bodyOf(previewSessionConfig({ path, body: config ?? {} })),
    enabled: config !== undefined,
    staleTime: 0,
  })
  return (
    <>
      <h2>Versions</h2>
      <Found query={versions}>
        {({ versions: rows }) =>
          rows.length === 0 ? (
            <Empty size="sm" title="Never changed" description="The config is as it was at first." />
          ) : (
            <List
              label="Versions"
              rows={rows}
              idOf={({ version }) => String(version)}
              nameOf={({ version }) => `version ${version}`}
              columns={[
                { name: 'Version', cell: ({ version }) => version },
                { name: 'Changed', cell: (row) => <Instant at={row.changed_at} /> },
                {
                  name: 'By',
                  cell: (row) => <Whole text={row.changed_by ?? 'Not noted'} />,
                },
                {
                  name: 'What changed',
                  cell: (row) => <Changes before={rows[rows.indexOf(row) + 1]?.config ?? null} after={row.config} />,
                },
                {
                  name: '',
                  cell: (row) =>
                    row !== rows[0] && may('operator:policy') ? (
                      <Button size="sm" onClick={() => setBack(row.version)}>
                        Put back
                      </Button>
                    ) : null,
                },
              ]}
            />
          )
        }
      </Found>
      <Confirmation
        title={`Put version ${back} back?`}
        act="Put it back"
        open={back !== null}
        onClose={() => setBack(null)}
        onConfirm={() =>
          act.run(async () => {
            const { version } = await bodyOf(restoreSessionConfigVersion({ path: { ...path, version: String(back) } }))
            return `What version ${back} said holds again, as version ${version}.`
          })
        }
      >
        <Found query={preview}>{(found) => <WhatEnds preview={found} live={null} />}</Found>
        <p>It becomes a new version; the others stay.</p>
      </Confirmation>
    </>
  )
}

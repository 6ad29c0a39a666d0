/** The credentials of a store, or of the operators: made with a secret that shows once, and revoked. */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import {
  bodyOf,
  type Credential,
  listCredentials,
  listOperatorCredentials,
  type NewCredential as Made,
  revokeCredential,
  revokeOperatorCredential,
} from '../api.ts'
import { Outcome, useAct } from '../common/act.tsx'
import { Breakable } from '../common/breakable.tsx'
import { Confirmation } from '../common/confirmation.tsx'
import { Instant } from '../common/instant.tsx'
import { List } from '../common/list.tsx'
import { Pages } from '../common/pages.tsx'
import { Found, Screen } from '../common/screen.tsx'
import { useStorePath } from '../common/store.ts'
import { useUrlState } from '../common/url-state.ts'
import { many } from '../common/words.ts'
import { useMay } from '../session.ts'
import { Badge, Button, Empty } from '../ui.ts'
import { NewCredential, Secret } from './new-credential.tsx'

export function Credentials() {
  const { identity_store_id: storeId } = useStorePath()
  return <CredentialScreen title="Credentials" storeId={storeId} />
}

interface Shown {
  readonly title: string
  /** Null: those of the operators. */
  readonly storeId: string | null
  readonly children?: ReactNode
}

export function CredentialScreen({ title, storeId, children }: Shown) {
  const may = useMay()
  const act = useAct()
  const cursor = useUrlState().values.get('cursor') ?? undefined
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<Made | null>(null)
  const [revoked, setRevoked] = useState<Credential | null>(null)
  const credentials = useQuery({
    queryKey: ['credentials', storeId, cursor],
    queryFn: ({ signal }) =>
      storeId === null
        ? bodyOf(listOperatorCredentials({ query: { cursor }, signal }))
        : bodyOf(listCredentials({ path: { identity_store_id: storeId }, query: { cursor }, signal })),
  })
  const onPage = credentials.data?.credentials ?? []
  /** The keys that were issued from one and are not revoked, as far as this page shows them. */
  const issuedFrom = (from: Credential | null) =>
    onPage.filter((each) => each.parent_credential_id === from?.credential_id && each.revoked_at === null).length
  const temporary = issuedFrom(revoked)
  function revoke({ credential_id }: Credential) {
    act.run(async () => {
      if (storeId === null) await revokeOperatorCredential({ path: { credential_id } })
      else await revokeCredential({ path: { identity_store_id: storeId, credential_id } })
      return 'The credential is revoked.'
    })
  }
  return (
    <Screen
      title={title}
      about="Exact. What programs call the service with; a secret shows once, when it is made."
      acts={
        may('operator:credentials') ? (
          <Button variant="primary" onClick={() => setMaking(true)}>
            New credential
          </Button>
        ) : undefined
      }
    >
      <Outcome act={act} />
      <Found query={credentials}>
        {({ credentials: rows, next_cursor: next }) => (
          <>
            {rows.length > 0 ? (
              <List
                label="Credentials"
                rows={rows}
                idOf={(row) => row.credential_id}
                nameOf={(row) => row.name}
                columns={[
                  {
                    name: 'Name',
                    cell: (row) => (
                      <>
                        {row.name}
                        <div className="subtle mono">{row.public_id}</div>
                        <Kinship
                          parent={row.parent_credential_id}
                          name={onPage.find((each) => each.credential_id === row.parent_credential_id)?.name}
                          issued={issuedFrom(row)}
                        />
                        {storeId !== null && row.scopes.includes('sessions:open') ? (
                          <Link
                            className="link"
                            href={`/stores/${storeId}/sessions?opened_by=credential:${row.credential_id}`}
                          >
                            Sessions it opened
                          </Link>
                        ) : null}
                      </>
                    ),
                  },
                  { name: 'Kind', cell: (row) => row.kind },
                  {
                    name: 'May',
                    cell: (row) =>
                      row.scopes.map((scope) => (
                        <div key={scope} className="mono scope">
                          <Breakable text={scope} />
                        </div>
                      )),
                  },
                  { name: 'Owner', cell: (row) => row.owner_user_id ?? <span className="subtle">None</span> },
                  { name: 'Expires', cell: (row) => <Instant at={row.expires_at} /> },
                  { name: 'Last used', cell: (row) => <Instant at={row.last_used_at} /> },
                  {
                    name: '',
                    cell: (row) =>
                      row.revoked_at !== null ? (
                        <Badge variant="neutral">Revoked</Badge>
                      ) : may('operator:credentials') ? (
                        <Button size="sm" aria-label={`Revoke ${row.name}`} onClick={() => setRevoked(row)}>
                          Revoke
                        </Button>
                      ) : null,
                  },
                ]}
              />
            ) : (
              <Empty
                title="No credential"
                description="Programs call the service with credentials. Make the first one."
              />
            )}
            <Pages next={next} />
          </>
        )}
      </Found>
      {children}
      <NewCredential
        storeId={storeId}
        open={making}
        onClose={() => setMaking(false)}
        onMake={(make) =>
          act.run(async () => {
            setMade(await make())
            return null
          })
        }
      />
      <Secret made={made} onStored={() => setMade(null)} />
      <Confirmation
        title={`Revoke ${revoked?.name}?`}
        act="Revoke"
        open={revoked !== null}
        onClose={() => setRevoked(null)}
        onConfirm={() => revoked !== null && revoke(revoked)}
      >
        <p>
          Whoever uses it is refused at once; it cannot be taken back.{' '}
          {storeId === null
            ? 'The console sessions that were opened with it end.'
            : `Keys issued from it go with it${temporary ? `: ${many(temporary, 'temporary key')} on this page` : ''}.`}
        </p>
      </Confirmation>
    </Screen>
  )
}

/** What a key was issued from, or how many were issued from it. */
function Kinship({
  parent,
  name,
  issued,
}: {
  readonly parent: string | null
  /** Of the parent, where this page shows it. */
  readonly name: string | undefined
  readonly issued: number
}) {
  if (parent !== null) {
    return <div className="subtle">issued from {name ?? <span className="mono">{parent}</span>}</div>
  }
  return issued === 0 ? null : <div className="subtle">{many(issued, 'temporary key')} on this page</div>
}

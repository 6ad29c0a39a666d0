/** Makes a credential, and shows its secret once. */
import { type FormEvent, useState } from 'react'
import { bodyOf, createCredential, createOperatorCredential, type NewCredential as Made } from '../api.ts'
import { Secrets } from '../common/secret.tsx'
import { Button, Checkbox, Dialog, Input, Select } from '../ui.ts'

const KINDS = { bearer: 'Bearer token', api_client: 'API client', access_key: 'Access key' } as const
type Kind = keyof typeof KINDS
const SCOPES: Readonly<Record<Kind, readonly string[]>> = {
  bearer: [
    ...['sessions:open', 'sessions:introspect', 'sessions:revoke', 'ssf.read', 'ssf.manage'],
    ...['admin.users:read', 'admin.users:write'],
  ],
  api_client: ['sessions:introspect', 'sessions:revoke', 'looker'],
  access_key: ['IdentityCenter:user:listSessions', 'IdentityCenter:user:batchDeleteSession'],
}
const OPERATOR_SCOPES = [
  'operator:read',
  'operator:sessions',
  'operator:policy',
  'operator:stores',
  'operator:credentials',
]

interface Asked {
  readonly storeId: string | null
  readonly open: boolean
  readonly onClose: () => void
  readonly onMake: (make: () => Promise<Made>) => void
}

export function NewCredential({ storeId, open, onClose, onMake }: Asked) {
  const [kind, setKind] = useState<Kind>('bearer')
  const offered = storeId === null ? OPERATOR_SCOPES : SCOPES[kind]
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '').trim()
    const scopes = offered.filter((scope) => form.has(scope))
    const expires = text('expires')
    const common = { name: text('name'), expires_at: expires === '' ? null : new Date(expires).toISOString() }
    const limited = text('stores')
      .split(/[\s,]+/)
      .filter((id) => id !== '')
    onMake(() =>
      storeId === null
        ? bodyOf(
            createOperatorCredential({
              body: {
                ...common,
                scopes: scopes as 'operator:read'[],
                limited_store_ids: limited.length === 0 ? null : limited,
              },
            }),
          )
        : bodyOf(
            createCredential({
              path: { identity_store_id: storeId },
              body: {
                ...common,
                kind,
                scopes: scopes as 'sessions:open'[],
                owner_user_id: text('owner') === '' ? null : text('owner'),
              },
            }),
          ),
    )
    onClose()
  }
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>New credential</Dialog.Title>
        <form onSubmit={submit} className="stack">
          <Input name="name" label="Name" required maxLength={100} />
          {storeId === null ? (
            <Input
              name="stores"
              label="Only these stores"
              description="Ids, with commas between. Empty: every store."
            />
          ) : (
            <>
              <Select
                label="Kind"
                items={KINDS}
                value={kind}
                onValueChange={(value) => setKind((value ?? 'bearer') as Kind)}
              />
              <Input name="owner" label="Acts for the user" description="Its id; some scopes need one." />
            </>
          )}
          <fieldset className="stack">
            <legend>What it may do</legend>
            {offered.map((scope) => (
              <Checkbox key={scope} name={scope} label={scope} />
            ))}
          </fieldset>
          <Input name="expires" label="Expires" type="datetime-local" description="Empty: it does not." />
          <div className="acts">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" variant="primary">
              Make it
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  )
}

const SECRETS = {
  token: 'Token',
  client_id: 'Client id',
  client_secret: 'Client secret',
  access_key: 'Access key',
  secret_key: 'Secret key',
  security_token: 'Security token',
} as const

export function Secret({ made, onStored }: { readonly made: Made | null; readonly onStored: () => void }) {
  if (made === null) return null
  const shown = (Object.keys(SECRETS) as (keyof typeof SECRETS)[]).flatMap((name) => {
    const value = made[name]
    return value === undefined ? [] : [{ name: SECRETS[name], value }]
  })
  return <Secrets title={`${made.name} is made`} secrets={shown} onStored={onStored} />
}

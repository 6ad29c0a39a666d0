/** Says where events are sent to: of a new endpoint, or of one that is changed. */
import { useState } from 'react'
import type { EventEndpoint } from '../api.ts'
import { FormDialog } from '../common/form-dialog.tsx'
import { Checkbox, Input } from '../ui.ts'

/** What is said. */
export interface EndpointFields {
  readonly url: string
  readonly types: string[]
  readonly description: string
  readonly v1a: boolean
}

interface Asked {
  /** Null: it is a new one. */
  readonly endpoint: EventEndpoint | null
  readonly onClose: () => void
  readonly onSave: (fields: EndpointFields) => void
}

export function EndpointForm({ endpoint, onClose, onSave }: Asked) {
  const [v1a, setV1a] = useState(endpoint?.public_key != null)
  function send(form: FormData) {
    const text = (name: string) => String(form.get(name) ?? '').trim()
    const types = text('types')
      .split(/[\s,]+/)
      .filter((type) => type !== '')
    onSave({ url: text('url'), types, description: text('description'), v1a })
  }
  return (
    <FormDialog
      title={endpoint === null ? 'New endpoint' : 'Change the endpoint'}
      about={
        <p>
          Events are posted there, signed as Standard Webhooks says
          {endpoint === null ? ', from now on. Its secret shows once.' : '.'}
        </p>
      }
      act={endpoint === null ? 'Make it' : 'Save'}
      onClose={onClose}
      onSend={send}
    >
      <Input name="url" label="URL" type="url" required maxLength={2_000} defaultValue={endpoint?.url ?? 'https://'} />
      <Input
        name="types"
        label="Types of events"
        description="With commas between. session.* is all that begin so, * is everything."
        required
        defaultValue={(endpoint?.types ?? ['*']).join(', ')}
      />
      <Input name="description" label="What it is for" maxLength={200} defaultValue={endpoint?.description ?? ''} />
      <Checkbox label="Sign with Ed25519 too (v1a)" checked={v1a} onCheckedChange={(on) => setV1a(on === true)} />
    </FormDialog>
  )
}

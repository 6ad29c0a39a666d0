/** A form in a dialog, which closes when the form is sent. */
import type { FormEvent, ReactNode } from 'react'
import { Button, Dialog } from '../ui.ts'

interface Asked {
  readonly title: string
  readonly about?: ReactNode
  /** What the button says. */
  readonly act: string
  readonly disabled?: boolean
  readonly children: ReactNode
  readonly onClose: () => void
  readonly onSend: (form: FormData) => void
}

export function FormDialog({ title, about, act, disabled, children, onClose, onSend }: Asked) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    onSend(new FormData(event.currentTarget))
    onClose()
  }
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog className="dialog" size="lg">
        <Dialog.Title>{title}</Dialog.Title>
        {about === undefined ? null : (
          <Dialog.Description render={<div className="stack" />}>{about}</Dialog.Description>
        )}
        <form onSubmit={submit} className="stack">
          {children}
          <div className="acts">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" variant="primary" disabled={disabled}>
              {act}
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  )
}
